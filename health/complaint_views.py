"""Pages of complaints: the list, the form, what repeats what."""

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, read_int, read_place, write_from
from flags.current import get_current_environment
from flags.models import Environment, Site
from health.complaint_list_queries import Page, find_page
from health.complaint_queries import find_usual
from health.domain.complaints import DAILY_COMPLAINT_LIMIT, MAX_TEXT_CHARACTERS
from health.forms import ComplaintFilter, ComplaintForm
from health.guardrail_queries import get_complaint_limit
from health.models import Complaint, ComplaintStatus
from health.queries import count_complaints, find_last_site
from health.similar_queries import list_similar, match_similar
from health.suspects import list_suspects
from health.transitions import log_complaint, log_duplicate, mark_duplicate, mark_spam

SITE_SESSION_KEY = "complaint_site"


@requires(Capability.VIEW)
def complaints(request: HttpRequest) -> HttpResponse:
    """List complaints with today's meter; the filters live in the address."""
    environment = get_current_environment(request)
    narrowing, page = ComplaintFilter(request.GET), Page([], None, True)
    if environment is not None and narrowing.is_valid():
        before = read_place(request)
        page = find_page(environment_id=environment.pk, wanted=narrowing.cleaned_data, before=before)
    key = environment.key if environment else ""
    address = request.GET.copy()
    address.pop("before", None)
    context = {
        "page": page,
        "likely": match_similar(_list_open(page.rows), environment_key=key, now=clock.now()),
        "filter": narrowing,
        "address": address.urlencode() if any(address.values()) else "",
        **_meter(environment),
    }
    return render(request, "health/complaints.html", context)


def _list_open(rows: Iterable[Any]) -> list[int]:
    """Return the complaints that may be marked as repeating another."""
    return [row.pk for row in rows if row.status == ComplaintStatus.NEW and row.said]


@requires(Capability.LOG_COMPLAINTS)
def log(request: HttpRequest) -> HttpResponse:
    """Log a complaint; the site is remembered, the next one can be typed at once."""
    environment = get_current_environment(request)
    if request.POST.get("do") == "site":
        # Without a script, the suspects of another site come by a button; what was typed stays.
        return _show_form(request, _draw_form(request, initial=request.POST.dict()))
    form = _draw_form(request, data=request.POST or None, initial={"site": _find_site(request)})
    made: list[Complaint] = []
    if request.method == "POST" and write_from(form, lambda: made.append(_log(request, form, environment))):
        request.session[SITE_SESSION_KEY] = form.cleaned_data["site"].pk
        messages.success(request, _say_logged(made[0], form.cleaned_data["site"]))
        return redirect("health:log_complaint")
    if form.errors:
        form.focus_on_fault()
    return _show_form(request, form)


def _draw_form(request: HttpRequest, **given: Any) -> ComplaintForm:
    """Return the form with the suspects of the site that it is about."""
    number = str(request.POST.get("site") or (given["initial"].get("site") or ""))
    is_number = number.isascii() and number.isdigit() and len(number) < 18
    site = Site.objects.filter(pk=int(number)).first() if is_number else None
    suspects = list_suspects(environment=get_current_environment(request), site=site, now=clock.now())
    return ComplaintForm(suspects=suspects, **given)


def _show_form(request: HttpRequest, form: ComplaintForm) -> HttpResponse:
    context = {"form": form, "similar": _find_similar(request), **_meter(get_current_environment(request))}
    return render(request, "health/log.html", context, status=400 if form.errors else 200)


@requires(Capability.LOG_COMPLAINTS)
@require_POST
def suspects(request: HttpRequest) -> HttpResponse:
    """Show the suspects of the site that was chosen; what was chosen of them stays. A POST, as `similar` is."""
    return render(request, "health/_suspects.html", {"form": _draw_form(request, initial=request.POST.dict())})


def _find_site(request: HttpRequest) -> int | None:
    """Return the site that the address names, else the one remembered, else this person's last one."""
    named = Site.objects.filter(key=request.GET.get("site", "")).values_list("pk", flat=True).first()
    return named or request.session.get(SITE_SESSION_KEY) or find_last_site(user_id=request.user.pk or 0)


def _say_logged(complaint: Complaint, site: Site) -> str:
    """Return which complaint was logged, with a link to it."""
    words = _("Complaint no. %(number)s logged (%(site)s).") % {"number": complaint.pk, "site": site.name}
    address = f"{reverse('health:complaints')}?number={complaint.pk}"
    return format_html(
        '{} <a href="{}">{}</a> · {}', words, address, _("See it"), _("The next one can be typed below.")
    )


def _log(request: HttpRequest, form: ComplaintForm, environment: Environment | None) -> Complaint:
    if environment is None:
        raise InvalidInput("environment_unknown")
    data = form.cleaned_data
    given: dict[str, Any] = {
        "environment_id": environment.pk,
        "site_id": data["site"].pk,
        "flag_id": data["flag"].pk if data["flag"] else None,
        "text": data["text"],
        "severity": data["severity"],
        "reporter": data["reporter"],
        "actor": actor_of(request),
        "now": clock.now(),
    }
    original_id = read_int(request, "same_as")
    if original_id is None:
        return log_complaint(**given)
    return log_duplicate(original_id=original_id, **given)


@requires(Capability.LOG_COMPLAINTS)
@require_POST
def similar(request: HttpRequest) -> HttpResponse:
    """Show today's complaints like the one being typed. A POST, so that the words reach no log."""
    return render(request, "health/_similar.html", {"similar": _find_similar(request)})


def _find_similar(request: HttpRequest) -> list[Complaint]:
    """Return today's complaints like the words that were sent, none where none were."""
    text = request.POST.get("text", "")[:MAX_TEXT_CHARACTERS]
    environment = get_current_environment(request)
    if environment is None or not text:
        return []
    return list_similar(environment_key=environment.key, text=text, now=clock.now())


@requires(Capability.LOG_COMPLAINTS)
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a complaint as spam, or as a duplicate of another: it no longer counts."""
    if request.method != "POST":
        return redirect("health:complaints")
    given: dict[str, Any] = {
        "complaint_id": pk,
        "actor": actor_of(request),
        "reason": request.POST.get("reason", ""),
        "now": clock.now(),
    }
    what = request.POST.get("mark")
    if what == "spam":
        mark_spam(**given)
    elif what == "duplicate":
        mark_duplicate(original_id=read_int(request, "original") or read_int(request, "choice") or 0, **given)
    else:
        raise InvalidInput("mark_unknown")
    messages.success(request, _("Marked: it no longer counts."))
    return redirect("health:complaints")


def _meter(environment: Environment | None) -> dict[str, object]:
    if environment is None:
        return {"count": 0, "limit": DAILY_COMPLAINT_LIMIT, "usual": None}
    now, limit = clock.now(), get_complaint_limit(environment.key)
    return {
        "count": count_complaints(environment_key=environment.key, now=now),
        "limit": limit,
        "environment": environment,
        "usual": find_usual(environment_key=environment.key, now=now, limit=limit),
    }
