"""What of rollouts is due: what waits for a person, and what the scheduler does by itself."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import due
from notifications.domain.audience import CREW, DRIVERS, Audience
from notifications.domain.due import DueItem
from notifications.queries import map_people_called
from rollouts.approval_queries import map_authors
from rollouts.domain.approving import AUTHORING
from rollouts.domain.investigating import State
from rollouts.domain.lifecycle import DRIVEN, UNDER_WAY, Status
from rollouts.domain.risks import RiskState
from rollouts.domain.templates import Gate
from rollouts.labels import PHASES
from rollouts.models import (
    Approval,
    CheckItem,
    Decision,
    Investigation,
    Phase,
    PhaseStatus,
    Risk,
    Rollout,
    RolloutEvent,
    Step,
    StepStatus,
    SupportShift,
)


def register_sources() -> None:
    """Give what is due of rollouts to whoever lists it, the most pressing first."""
    due.register("investigations", _("Investigation"), list_investigations)
    due.register("approvals", _("Approval"), list_approvals)
    due.register("checklists", _("Checklist"), list_checklists)
    due.register("steps", _("Steps"), list_steps)
    due.register("risks", _("Risk"), list_risks)
    due.register("duty", _("Duty"), list_shifts)


def list_investigations(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield what somebody must look into by a deadline: whoever took it, else the crew. One query."""
    rows = Investigation.objects.filter(status=State.OPEN).select_related("rollout__release", "rollout__environment")
    for row in rows.order_by("deadline_at", "pk"):
        yield DueItem(
            words=_("To be looked into: a guardrail of %(release)s in %(environment)s")
            if row.is_of_lane
            else _("To be looked into: complaints about %(release)s in %(environment)s"),
            data=_name(row.rollout),
            due=row.deadline_at,
            url=reverse("rollouts:investigation", args=[row.pk]),
            audience=Audience(user_ids=frozenset({row.owner_id})) if row.owner_id is not None else CREW,
        )


def list_approvals(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the plans and ends of phases that wait for approval: for who may give it and has not. Eight queries.

    What was decided before the last edit does not count: it was about another content.
    """
    plans = list(_real().filter(status=Status.AWAITING_APPROVAL))
    phases = _list_ending(until=until)
    rollouts = {one.pk: one for one in [*plans, *(phase.rollout for phase in phases)]}
    authors, decided = map_authors(rollouts.values()), _map_decisions(rollouts)
    for plan in plans:
        yield DueItem(
            words=_("The plan of %(release)s in %(environment)s waits for approval"),
            data=_name(plan),
            due=plan.start_at,
            url=reverse("rollouts:detail", args=[plan.pk]),
            audience=DRIVERS,
            spared=frozenset(authors[plan.pk] | set(decided[plan.pk, None])),
        )
    for phase in phases:
        given = decided[phase.rollout_id, phase.pk]
        needed = max(phase.rollout.environment.required_approvals, 1)
        if list(given.values()).count(Decision.APPROVED) < needed:
            yield DueItem(
                words=_("The end of phase %(phase)s of %(release)s in %(environment)s waits for approval"),
                data={**_name(phase.rollout), "phase": PHASES[phase.kind]},
                due=phase.ends_at,
                url=reverse("rollouts:detail", args=[phase.rollout_id]),
                audience=DRIVERS,
                spared=frozenset(authors[phase.rollout_id] | set(given)),
            )


def _list_ending(*, until: datetime) -> list[Phase]:
    """Return the phases of real rollouts under way that end before a moment and ask for an approval: one query."""
    rows = Phase.objects.filter(
        status=PhaseStatus.RUNNING,
        gates__contains=[str(Gate.APPROVAL)],
        ends_at__lt=until,
        rollout__status__in=UNDER_WAY,
        rollout__is_rehearsal=False,
    )
    return list(rows.select_related("rollout__release", "rollout__environment").order_by("pk"))


def list_checklists(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the checklists of running phases with something left to tick, due at the phase's end. One query."""
    rows = CheckItem.objects.filter(
        done_at=None,
        phase__status=PhaseStatus.RUNNING,
        phase__gates__contains=[str(Gate.CHECKLIST)],
        phase__gate_waived=False,
        phase__ends_at__lt=until,
        phase__rollout__status__in=UNDER_WAY,
        phase__rollout__is_rehearsal=False,
    )
    told = rows.order_by("phase").values_list(
        "phase__rollout",
        "phase__kind",
        "phase__ends_at",
        "phase__rollout__release__version",
        "phase__rollout__environment__key",
    )
    for pk, kind, ends_at, release, environment, count in told.annotate(count=Count("pk")):
        yield DueItem(
            words=_("Checklist of phase %(phase)s of %(release)s in %(environment)s: %(count)s left"),
            data={"phase": PHASES[kind], "release": release, "environment": environment, "count": count},
            due=ends_at,
            url=reverse("rollouts:detail", args=[pk]),
            audience=DRIVERS,
        )


def list_steps(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the days on which the scheduler does something for real, one item a rollout and day. One query."""
    rows = Step.objects.filter(
        status=StepStatus.PLANNED,
        due_at__gte=now,
        due_at__lt=until,
        rollout__status__in=DRIVEN,
        rollout__is_rehearsal=False,
    ).annotate(day=TruncDate("due_at"))
    days = rows.order_by("day", "rollout").values_list(
        "rollout", "rollout__release__version", "rollout__environment__key", "day"
    )
    for pk, release, environment, _day, count, first in days.annotate(count=Count("pk"), first=Min("due_at")):
        yield DueItem(
            words=_("%(release)s in %(environment)s goes on by itself, steps: %(count)s"),
            data={"release": release, "environment": environment, "count": count},
            due=first,
            url=reverse("rollouts:detail", args=[pk]),
            audience=DRIVERS,
        )


def list_risks(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the open risks that somebody is to look at again: their owner, else who drives releases. One query."""
    rows = Risk.objects.filter(state=RiskState.OPEN, review_on__lte=timezone.localdate(until))
    for risk in rows.order_by("review_on", "pk"):
        if risk.review_on is not None:
            yield DueItem(
                words=_("To be looked at again: %(title)s"),
                data={"title": risk.title},
                due=risk.review_on,
                url=reverse("rollouts:risk", args=[risk.pk]),
                audience=Audience(user_ids=frozenset({risk.owner_id})) if risk.owner_id is not None else DRIVERS,
            )


def list_shifts(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the shifts of people with an account: for themselves alone. Two queries."""
    today = timezone.localdate(now)
    rows = SupportShift.objects.filter(starts_on__lte=timezone.localdate(until), ends_on__gt=today)
    shifts = list(rows.select_related("site").order_by("starts_on", "pk"))
    people = map_people_called({shift.name for shift in shifts})
    for shift in shifts:
        if people[shift.name]:
            yield DueItem(
                words=_("You are on duty for %(site)s") if shift.site else _("You are on duty for every shop"),
                data={"site": shift.site.name if shift.site else ""},
                due=max(shift.starts_on, today),
                url=reverse("rollouts:support"),
                audience=Audience(user_ids=people[shift.name]),
            )


def _real() -> QuerySet[Rollout]:
    return Rollout.objects.filter(is_rehearsal=False).select_related("release", "environment").order_by("pk")


def _map_decisions(rollout_ids: Collection[int]) -> dict[tuple[int, int | None], dict[int, str]]:
    """Return each person's last decision since the plan was last edited, by rollout and phase: two queries."""
    edits = RolloutEvent.objects.filter(rollout__in=rollout_ids, kind__in=AUTHORING).order_by()
    edited: dict[int, datetime] = dict(edits.values_list("rollout").annotate(at=Max("at")))
    found: dict[tuple[int, int | None], dict[int, str]] = defaultdict(dict)
    for row in Approval.objects.filter(rollout__in=rollout_ids).order_by("pk"):
        if row.rollout_id not in edited or row.decided_at >= edited[row.rollout_id]:
            found[row.rollout_id, row.phase_id][row.decided_by_id] = row.decision
    return found


def _name(rollout: Rollout) -> dict[str, object]:
    return {"release": rollout.release.version, "environment": rollout.environment.key}
