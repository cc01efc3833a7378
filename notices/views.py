"""Pages of notices: what stands in the tills, one notice, and the forms that show, put right and take away."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, read_int, read_place, read_version, write_from
from flags.current import get_current_environment
from flags.models import Environment
from notices.domain.levels import Standing
from notices.forms import NoticeForm, read_initial
from notices.labels import DONE
from notices.models import Notice
from notices.previews import draw_previews, preview_form
from notices.queries import count_audience, list_by_standing, list_gone, with_links
from notices.transitions import correct_notice, show_notice, take_notice_away


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List what stands in the tills of the current environment, what is to come, and what is over."""
    environment, now = get_current_environment(request), clock.now()
    context: dict[str, Any] = {"current": [], "to_come": [], "gone": [], "older": None, "now": now}
    if environment is not None:
        before = read_place(request)
        context["current"], context["to_come"] = list_by_standing(environment.pk, now=now)
        context["gone"], context["older"] = list_gone(environment.pk, now=now, before=before)
        context["is_first"] = before is None
    context["standings"] = {
        one.pk: str(one.find_standing(now)) for one in [*context["current"], *context["to_come"], *context["gone"]]
    }
    return render(request, "notices/list.html", {"is_first": True, **context})


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one notice as it looks in the till, what became of it, and what can be done."""
    notice, now = _get(pk), clock.now()
    standing = notice.find_standing(now)
    site_ids = [row.site_id for row in notice.notice_sites.all()]
    context = {
        "notice": notice,
        "standing": str(standing),
        "stands": standing in {Standing.CURRENT, Standing.SCHEDULED},
        "previews": draw_previews(notice),
        "audience": count_audience(site_ids=site_ids, flag_ids=[row.flag_id for row in notice.notice_flags.all()]),
        "version": get_version(notice),
        "history": notice.history.order_by("history_date", "history_id"),
        "supersedes": Notice.objects.filter(superseded_by=notice).first(),
    }
    return render(request, "notices/detail.html", context)


def _is_sent(request: HttpRequest) -> bool:
    """Tell whether the form was sent to be done, not to be looked at."""
    return request.method == "POST" and request.POST.get("do") != "preview"


@requires(Capability.HANDLE_INCIDENTS)
def create(request: HttpRequest) -> HttpResponse:
    """Write a notice for the current environment."""
    environment = get_current_environment(request)
    form = NoticeForm(request.POST or None)
    made: list[Notice] = []

    def write() -> None:
        place, now = _check_environment(environment), clock.now()
        reason = form.cleaned_data["reason"]
        made.append(
            show_notice(environment_id=place.pk, wish=form.wish, actor=actor_of(request), reason=reason, now=now)
        )

    if _is_sent(request) and write_from(form, write):
        done = "schedule" if made[0].starts_at > made[0].written_at else "show"
        messages.success(request, str(DONE[done]))
        return redirect("notices:detail", pk=made[0].pk)
    context = {"title": _("Tell the tills"), "back": reverse("notices:list"), "environment": environment}
    return _show_form(request, form, context)


@requires(Capability.HANDLE_INCIDENTS)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put another notice in the place of one that stands."""
    notice = _get(pk)
    seen = read_version(request, notice)
    form = NoticeForm(request.POST or None, notice=notice, initial=read_initial(notice))
    made: list[Notice] = []

    def write() -> None:
        said: dict[str, Any] = {"reason": form.cleaned_data["reason"], "now": clock.now(), "seen": seen}
        made.append(correct_notice(notice_id=pk, wish=form.wish, actor=actor_of(request), **said))

    if _is_sent(request) and write_from(form, write):
        messages.success(request, str(DONE["correct"]))
        return redirect("notices:detail", pk=made[0].pk)
    back = reverse("notices:detail", args=[pk])
    context = {"title": _("Put it right"), "back": back, "environment": notice.environment, "version": seen}
    return _show_form(request, form, context)


def _show_form(request: HttpRequest, form: NoticeForm, context: dict[str, Any]) -> HttpResponse:
    if request.POST.get("do") == "preview":
        form = _draw_form(request)
    context = {"version": None, **context, "form": form, **preview_form(form)}
    return render(request, "notices/form.html", context, status=400 if form.errors else 200)


def _draw_form(request: HttpRequest) -> NoticeForm:
    """Return the form with what was typed, none of it judged yet."""
    chosen = {name: request.POST.getlist(name) for name in ("sites", "flags")}
    return NoticeForm(initial=request.POST.dict() | chosen)


@requires(Capability.HANDLE_INCIDENTS)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Draw what is being typed as it will look in the till, and whom it reaches; nothing is written."""
    return render(request, "notices/_preview.html", preview_form(_draw_form(request)))


@requires(Capability.HANDLE_INCIDENTS)
def take_away(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the tills show a notice no more."""
    _get(pk)
    if request.method == "POST":
        said: dict[str, Any] = {"reason": request.POST.get("reason", ""), "now": clock.now()}
        seen = read_int(request, "version") or 0
        take_notice_away(notice_id=pk, actor=actor_of(request), seen=seen, **said)
        messages.success(request, str(DONE["take_away"]))
    return redirect("notices:detail", pk=pk)


def _check_environment(environment: Environment | None) -> Environment:
    if environment is None:
        raise InvalidInput("environment_unknown")
    return environment


def _get(pk: int) -> Notice:
    return get_object_or_404(with_links(Notice.objects.all()), pk=pk)
