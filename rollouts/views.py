"""Pages of rollouts: each parses, authorises, makes one call, renders."""

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.actors import Actor
from core.errors import Refusal
from core.models import User
from core.roles import Capability, can, requires
from core.views import actor_of, read_int, write_from
from flags.queries import get_flag_names
from rollouts.action_queries import NOT_BEGUN
from rollouts.actions import ACTIONS
from rollouts.agenda import list_agenda, list_done_today
from rollouts.approval_view import find_approval_card
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.done_labels import DONE
from rollouts.exposure_queries import exposures_on
from rollouts.feedback_view import find_feedback_card
from rollouts.forms import ReleaseForm, move_choice
from rollouts.investigation_queries import list_open_investigations
from rollouts.labels import STATUSES
from rollouts.models import PhaseStatus, Rollout, Trigger
from rollouts.page_queries import compose_page, measure_reach
from rollouts.queries import (
    get_story,
    list_exposed_sites_of,
    list_releases,
    list_rollouts,
    list_takeable,
)
from rollouts.risk_queries import check_risks
from rollouts.shut_queries import list_shut_sites
from rollouts.support_queries import find_duty
from rollouts.track import prefetch_track, summarise_all
from rollouts.transitions import (
    acknowledge_flag,
    create_release,
    resume_rollout,
    roll_back,
)
from rollouts.transitions.partial_rollback import give_back_site, roll_back_phase, roll_back_site

ROWS = 50


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List rollouts, newest first; the address carries the filters."""
    now = clock.now()
    environment, status = (request.GET.get(name, "") for name in ("environment", "status"))
    found = list_rollouts(environment_key=environment, status=status)
    page = Paginator(prefetch_track(found), ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "summaries": summarise_all(list(page), now=now),
        "environment_key": environment,
        "status": status,
        "statuses": STATUSES.items(),
        "is_filtered": bool(environment or status),
    }
    return render(request, "rollouts/list.html", context)


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one rollout: what happens, what happens next, what can be done."""
    rollout = _get(pk)
    now = clock.now()
    page = compose_page(rollout, now=now)
    context = {
        "rollout": rollout,
        "page": page,
        "story": get_story(rollout),
        "flag_names": get_flag_names(),
        "investigations": list_open_investigations(rollout=rollout),
        "now": now,
    }
    if getattr(request, "htmx", False):
        template = "rollouts/_head.html" if request.GET.get("part") == "head" else "rollouts/_live.html"
        return render(request, template, context)
    phase = page.summary.phase
    is_driver = can(request.user, Capability.DRIVE_ROLLOUTS)
    context |= {
        "card": find_approval_card(rollout, phase, of_plan=page.doable.approval, user=cast("User", request.user)),
        "shut_sites": list_shut_sites(rollout),
        "items": phase.check_items.select_related("done_by") if phase else (),
        "duty": find_duty(rollout, now=now),
        "risk_check": check_risks(rollout),
        # A plan's risks come before its approval; once it is on its way, what happens comes first.
        "has_begun": rollout.status not in NOT_BEGUN,
        "feedback": find_feedback_card(rollout, now=now, with_links=is_driver),
    }
    return render(request, "rollouts/detail.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Do one of the rollout's actions, with a reason and the epoch the person saw."""
    _get(pk)
    if action not in {*ACTIONS, "resume", "acknowledge"}:
        raise Http404
    if request.method != "POST":
        return redirect("rollouts:detail", pk=pk)
    actor, reason, now = actor_of(request), request.POST.get("reason", ""), clock.now()
    seen = read_int(request, "epoch")
    if action == "resume":
        waive = "waive_gate" in request.POST
        resume_rollout(rollout_id=pk, actor=actor, reason=reason, now=now, seen_epoch=seen, waive_gate=waive)
    elif action == "acknowledge":
        flag_id = read_int(request, "flag") or 0
        acknowledge_flag(rollout_id=pk, flag_id=flag_id, actor=actor, reason=reason, now=now)
    else:
        ACTIONS[action](rollout_id=pk, actor=actor, reason=reason, now=now, seen_epoch=seen)
    messages.success(request, str(DONE[action]))
    return redirect("rollouts:detail", pk=pk)


@requires(Capability.DRIVE_ROLLOUTS)
def roll_back_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the one question, what; contain at the press."""
    rollout = _get(pk)
    if rollout.status not in UNDER_WAY:
        return redirect("rollouts:detail", pk=pk)
    if request.method == "POST":
        _take_back(
            rollout, request.POST.get("what", ""), actor=actor_of(request), reason=request.POST.get("reason", "")
        )
        messages.success(request, _("Taken back: it is off. The tills hear of it now."))
        return redirect("rollouts:detail", pk=pk)
    return render(
        request,
        "rollouts/roll_back.html",
        {
            "rollout": rollout,
            "flags": list_takeable(rollout),
            "sites": list_exposed_sites_of(rollout),
            "phase": rollout.phases.filter(status=PhaseStatus.RUNNING).order_by("-position").first(),
            "reach": measure_reach(rollout, exposures_on(rollout), now=clock.now()),
        },
    )


def _take_back(rollout: Rollout, what: str, *, actor: Actor, reason: str) -> None:
    """Take back what was chosen: `all`, a flag's number, `site:` or `phase:` with a number."""
    now = clock.now()
    kind, _colon, number = what.rpartition(":")
    pk = int(number) if number.isascii() and number.isdigit() and len(number) < 18 else None
    if kind == "site" and pk is not None:
        roll_back_site(rollout_id=rollout.pk, site_id=pk, actor=actor, reason=reason, now=now)
        return
    if kind == "phase" and pk is not None:
        roll_back_phase(rollout_id=rollout.pk, phase_id=pk, actor=actor, reason=reason, now=now)
        return
    if kind or (pk is None and what != "all"):
        raise Refusal("nothing_to_roll_back")
    roll_back(
        rollout_id=rollout.pk,
        flag_ids=None if pk is None else [pk],
        trigger=Trigger.MANUAL,
        actor=actor,
        reason=reason,
        now=now,
    )


@requires(Capability.DRIVE_ROLLOUTS)
def give_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Lift what keeps a site off since it was taken back."""
    _get(pk)
    if request.method == "POST":
        give_back_site(
            rollout_id=pk,
            site_id=read_int(request, "site") or 0,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("The site is given back: it gets the flags again."))
    return redirect("rollouts:detail", pk=pk)


@requires(Capability.VIEW)
def agenda(request: HttpRequest) -> HttpResponse:
    """Show what went out everywhere today, and what does within the next two days; made to be printed, too."""
    now = clock.now()
    return render(request, "rollouts/agenda.html", {"days": list_agenda(now=now), "done": list_done_today(now=now)})


@requires(Capability.VIEW)
def releases(request: HttpRequest) -> HttpResponseBase:
    """List releases and where they are on their way; make one."""
    if request.method == "POST":
        return _make_release(request)
    form = ReleaseForm() if can(request.user, Capability.DRIVE_ROLLOUTS) else None
    return _show_releases(request, form)


@requires(Capability.DRIVE_ROLLOUTS)
def _make_release(request: HttpRequest) -> HttpResponse:
    if "move" in request.POST:
        return _show_releases(request, ReleaseForm(initial=move_choice(request.POST, ordered=ReleaseForm.ordered)))
    form = ReleaseForm(request.POST)
    if write_from(form, lambda: create_release(**form.wishes, actor=actor_of(request), now=clock.now())):
        messages.success(request, _("Release %(version)s made.") % {"version": form.cleaned_data["version"]})
        return redirect("rollouts:releases")
    return _show_releases(request, form)


def _show_releases(request: HttpRequest, form: ReleaseForm | None) -> HttpResponse:
    context = {"releases": list_releases(), "form": form}
    return render(request, "rollouts/releases.html", context, status=400 if form and form.errors else 200)


def _get(pk: int) -> Rollout:
    rows = Rollout.objects.select_related("release", "environment", "testers", "pilots")
    return get_object_or_404(prefetch_track(rows), pk=pk)
