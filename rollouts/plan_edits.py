"""The plan's page: its moments, the edit somebody asks for, and what that would change before it is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import groupby
from typing import Any, cast
from zoneinfo import ZoneInfo

from django import forms
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import transaction
from django.db.models import Min
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.domain.business_time import at_local
from core.errors import InvalidInput, Refusal
from core.fields import DayField
from flags.domain.audience import RuleKind
from flags.domain.bucketing import TOTAL_BP
from flags.models import Flag, Segment, Site
from rollouts.models import Rollout, Step, StepStatus
from rollouts.models.steps import say_whom
from rollouts.plan_diff import Difference, compare_stored_phases
from rollouts.queries import list_steps_together
from rollouts.transitions.editing import MOST_DAYS, insert_pause, move_moment, restore_steps, skip_steps
from rollouts.transitions.partial_rollback import undo_steps
from rollouts.transitions.retargeting import NewAudience, change_audience

#: More would overflow the column of a step's number.
MOST_DIGITS = 18
EDITS = [
    ("pause", _("put a pause in before it")),
    ("move", _("move it to another moment")),
    ("audience", _("let its phase go to others from here on")),
    ("skip", _("leave it out")),
    ("restore", _("plan it again")),
    ("undo", _("take it back, it is done")),
]


@dataclass(frozen=True)
class Moment:
    """Steps that go together, by the first of them: of one phase, moment, audience and status."""

    step_id: int
    phase_kind: str
    due_at: datetime
    whom: str
    time_zone: str
    status: str
    flags: Sequence[str]


@dataclass(frozen=True)
class Change:
    """What an edit does to one moment: another time, status or audience, or several of these.

    `with_everyone` is when people or a site that are left out get it all the same.
    """

    first: Step
    count: int
    before: datetime
    after: datetime
    status_before: str
    status_after: str
    whom_after: str
    with_everyone: datetime | None = None


@dataclass(frozen=True)
class Preview:
    """What an edit would do: to moments, and to the days of phases."""

    moments: Sequence[Change]
    phases: Sequence[Difference]

    @property
    def is_nothing(self) -> bool:
        return not (self.moments or self.phases)


class PeopleField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Chooses a segment; those of pilots have the number of their rollout, for many have one name."""

    rollouts: Mapping[int, int] = {}

    def label_from_instance(self, obj: Segment) -> str:
        number = self.rollouts.get(obj.pk)
        if number is None:
            return obj.name
        return gettext("%(name)s (rollout no. %(number)s)") % {"name": obj.name, "number": number}


class EditForm(forms.Form):
    """One edit of one moment."""

    step = forms.IntegerField(
        min_value=1,
        max_value=2**31,
        widget=forms.HiddenInput,
        error_messages={"required": _("Choose a line in the table below first.")},
    )
    edit = forms.ChoiceField(
        label=_("What"),
        choices=EDITS,
    )
    days = forms.IntegerField(label=_("Plan days to wait"), required=False, min_value=1, max_value=MOST_DAYS, initial=1)
    flag = forms.ModelChoiceField(
        Flag.objects.none(), label=_("Which flag"), required=False, empty_label=_("all that went together")
    )
    segment = PeopleField(
        Segment.objects.order_by("name", "pk"),
        label=_("These people instead"),
        required=False,
        empty_label=_("Choose a segment"),
    )
    site = forms.ModelChoiceField(
        Site.objects.none(), label=_("This site instead"), required=False, empty_label=_("Choose a site")
    )
    share = forms.DecimalField(
        label=_("This share instead, in percent"), required=False, min_value=0, max_value=100, decimal_places=2
    )
    on = DayField(label=_("Day"), required=False)
    at = forms.TimeField(
        label=_("Hour, there"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )

    def __init__(self, *args: Any, rollout: Rollout) -> None:
        super().__init__(*args)
        flags = cast("forms.ModelChoiceField[Flag]", self.fields["flag"])
        flags.queryset = Flag.objects.filter(rollout_flags__rollout=rollout).order_by("rollout_flags__position")
        people = cast("PeopleField", self.fields["segment"])
        of_pilots = Rollout.objects.exclude(pilots=None)
        people.rollouts = dict(of_pilots.filter(ended_at=None).values_list("pilots", "pk"))
        gone = of_pilots.exclude(ended_at=None).exclude(pilots__in=people.rollouts)
        people.queryset = Segment.objects.exclude(pk__in=gone.values("pilots")).order_by("name", "pk")
        sites = cast("forms.ModelChoiceField[Site]", self.fields["site"])
        edits = cast("forms.ChoiceField", self.fields["edit"])
        self.can_undo = rollout.steps.filter(status=StepStatus.DONE).exists()
        if not self.can_undo:
            edits.choices = [choice for choice in EDITS if choice[0] != "undo"]
        sites.queryset = Site.objects.exclude(pk__in=rollout.rollout_sites.values("site")).order_by("name")


def list_moments(rollout: Rollout) -> list[Moment]:
    """Return the plan's moments in order, counted in the database: one query, however many steps there are."""
    keys = ("phase__position", "phase__kind", "due_at", "segment__name", "site__name", "site__time_zone")
    groups = rollout.steps.order_by().values_list(*keys, "share_bp", "status", "segment", "site")
    rows = groups.annotate(first=Min("pk"), place=Min("position"), flags=ArrayAgg("flag__name", order_by="position"))
    return [
        Moment(first, kind, due_at, say_whom(segment or site, share_bp), zone or "", status, flags)
        for _at, kind, due_at, segment, site, zone, share_bp, status, _s, _p, first, _place, flags in rows.order_by(
            "place"
        )
    ]


def find_moment_of(rollout: Rollout, text: str) -> int | None:
    """Return the `step_id` of the moment that holds a step, None where the text names none of the rollout's."""
    is_number = text.isascii() and text.isdigit() and len(text) < MOST_DIGITS
    step = rollout.steps.filter(pk=int(text)).first() if is_number else None
    if step is None:
        return None
    first: int | None = list_steps_together(step).filter(status=step.status).aggregate(first=Min("pk"))["first"]
    return first


def choose_edit(rollout: Rollout, data: dict[str, Any]) -> Callable[..., object]:
    """Return the transition that a valid form asks for, with what it needs beside actor, reason and time."""
    common = {"rollout_id": rollout.pk, "step_id": data["step"]}
    if data["edit"] == "pause":
        return lambda **by: insert_pause(**common, days=data["days"] or 1, **by)
    if data["edit"] == "move":
        due_at = _read_moment(rollout, data)
        return lambda **by: move_moment(**common, due_at=due_at, **by)
    if data["edit"] == "audience":
        return lambda **by: change_audience(**common, audience=_read_audience(data), **by)
    if data["edit"] == "undo":
        step_ids = _list_done_together(rollout, data)
        return lambda **by: undo_steps(rollout_id=rollout.pk, step_ids=step_ids, **by)
    edits = {"skip": skip_steps, "restore": restore_steps}
    return lambda **by: edits[data["edit"]](**common, **by)


def _list_done_together(rollout: Rollout, data: dict[str, Any]) -> list[int]:
    """Return the done steps of the moment chosen, of one flag where one was chosen."""
    step = rollout.steps.filter(pk=data["step"]).first()
    if step is None:
        raise Refusal("changed_meanwhile")
    done = list_steps_together(step).filter(status=StepStatus.DONE)
    if data["flag"] is not None:
        done = done.filter(flag=data["flag"])
    return list(done.values_list("pk", flat=True))


def _read_audience(data: dict[str, Any]) -> NewAudience:
    share = data["share"]
    return NewAudience(
        segment_id=data["segment"].pk if data["segment"] else None,
        site_id=data["site"].pk if data["site"] else None,
        share_bp=None if share is None else int(share * TOTAL_BP / 100),
    )


def _read_moment(rollout: Rollout, data: dict[str, Any]) -> datetime:
    """Return the moment typed, by the clock of the step's place."""
    step = rollout.steps.select_related("site", "rollout").filter(pk=data["step"]).first()
    on: date | None = data["on"]
    at: time | None = data["at"]
    if step is None or on is None or at is None:
        raise InvalidInput("moment_missing")
    zone = step.zone if step.site else ZoneInfo(rollout.zone)
    return at_local(on, at, zone=zone)


def preview_edit(rollout: Rollout, edit: Callable[[], object]) -> Preview:
    """Return what an edit changes and leave everything as it was; a refusal comes through."""
    with transaction.atomic():
        before, phases_before = _list_steps(rollout), list(rollout.phases.order_by("position"))
        edit()
        after, phases_after = _list_steps(rollout), list(rollout.phases.order_by("position"))
        transaction.set_rollback(True)
    phases = compare_stored_phases(phases_before, phases_after, is_rehearsal=rollout.is_rehearsal)
    return Preview(_compare_steps(before, after), list(phases))


def _compare_steps(rows_before: Sequence[Step], rows_after: Sequence[Step]) -> list[Change]:
    """Return what became of steps, moment by moment."""
    before, after = ({step.pk: step for step in rows} for rows in (rows_before, rows_after))
    changed = [(old, after[pk]) for pk, old in before.items() if _standing(old) != _standing(after[pk])]
    groups = groupby(changed, key=lambda pair: (pair[0].phase_id, pair[0].due_at, pair[0].whom, _standing(pair[1])))
    found = []
    for _key, group in groups:
        pairs = list(group)
        old, new = pairs[0]
        later = _find_with_everyone(new, rows_after) if new.status == StepStatus.SKIPPED else None
        found.append(Change(old, len(pairs), old.due_at, new.due_at, old.status, new.status, new.whom, later))
    return found


def _find_with_everyone(step: Step, rows: Sequence[Step]) -> datetime | None:
    """Return when a step's flag goes to everyone behind it, None where the plan does not say so."""
    if step.audience_kind == RuleKind.EVERYONE:
        return None
    whole = (row for row in rows if row.audience_kind == RuleKind.EVERYONE and row.share_bp is None)
    coming = (row.due_at for row in whole if row.flag_id == step.flag_id and row.status == StepStatus.PLANNED)
    return min(coming, default=None)


def _standing(step: Step) -> tuple[datetime, str, str]:
    return step.due_at, step.status, step.whom


def _list_steps(rollout: Rollout) -> list[Step]:
    rows = Step.objects.filter(rollout=rollout).select_related("phase", "flag", "segment", "site", "rollout")
    return list(rows.order_by("position"))
