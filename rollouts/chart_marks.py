"""What happened in a rollout, as marks on the time axis of its charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db.models import Count, Max, Min
from django.db.models.functions import Trunc

from core.domain.plot import Span
from health.domain.guardrail import Act
from health.models import Decision
from rollouts.models import Rollout, RolloutEvent, StepStatus

#: Signs by the kind of event; the same as everywhere in the portal.
EVENT_SIGNS = {
    "paused": "held",
    "held": "held",
    "resumed": "resumed",
    "flag_rolled_back": "back",
    "site_rolled_back": "back",
    "phase_rolled_back": "back",
    "rolled_back": "back",
}
#: What guardrails said without stopping anything; holds and rollbacks are events of their own.
SAID = (Act.OBSERVED, Act.INVESTIGATE, Act.COOLING)
MOST_MARKS = 200
#: Marks of one sign closer than this, in percent of the width, are one.
CLOSE = 2.5
#: Above it, steps are told by the hour.
LONG = timedelta(days=2)


@dataclass(frozen=True)
class Happening:
    """One thing that happened: steps done together, an event, or what a guardrail said."""

    at: datetime
    sign: str
    steps: int = 0
    flags: int = 0
    flag_key: str = ""
    event: RolloutEvent | None = None
    decision: Decision | None = None
    count: int = 1

    @property
    def kind(self) -> str:
        return self.event.kind if self.event else ""

    @property
    def data(self) -> dict[str, Any]:
        return self.event.data if self.event else {}


@dataclass(frozen=True)
class Mark:
    """A sign at a place; `happenings` are those too close to stand apart."""

    x: float
    sign: str
    happenings: Sequence[Happening] = field(default=())

    @property
    def number(self) -> int:
        return len(self.happenings)


def list_happenings(rollout: Rollout, span: Span) -> list[Happening]:
    """Return what happened within a span, in order of time, at most `MOST_MARKS` of each sort: three queries."""
    happened = [*_list_steps(rollout, span), *_list_events(rollout, span), *_list_said(rollout, span)]
    return sorted(happened, key=lambda one: one.at)


def place_marks(happenings: Iterable[Happening], span: Span) -> list[Mark]:
    """Return the marks of what happened, those of one sign that lie close together as one."""
    marks = []
    by_sign = sorted(happenings, key=lambda one: one.sign)
    for sign, group in groupby(by_sign, key=lambda one: one.sign):
        together: list[Happening] = []
        for one in group:
            if together and span.place(one.at) - span.place(together[0].at) > CLOSE:
                marks.append(Mark(span.place(together[0].at), sign, tuple(together)))
                together = []
            together.append(one)
        marks.append(Mark(span.place(together[0].at), sign, tuple(together)))
    return sorted(marks, key=lambda mark: mark.x)


def _list_steps(rollout: Rollout, span: Span) -> list[Happening]:
    rows = (
        rollout.steps.filter(status=StepStatus.DONE, done_at__gte=span.since, done_at__lt=span.until)
        .annotate(at=Trunc("done_at", "hour" if span.length > LONG else "minute"))
        .values("at")
        .annotate(
            first=Min("done_at"),
            steps=Count("pk"),
            flags=Count("flag", distinct=True),
            flag=Max("flag__key"),
        )
        .order_by("-at")[:MOST_MARKS]
    )
    return [Happening(row["first"], "on", row["steps"], row["flags"], row["flag"]) for row in rows]


def _list_events(rollout: Rollout, span: Span) -> list[Happening]:
    rows = rollout.events.filter(kind__in=list(EVENT_SIGNS), at__gte=span.since, at__lt=span.until)
    return [Happening(one.at, EVENT_SIGNS[one.kind], event=one) for one in rows.order_by("-pk")[:MOST_MARKS]]


def _list_said(rollout: Rollout, span: Span) -> list[Happening]:
    rows = Decision.objects.filter(subject=rollout.subject, act__in=SAID, at__gte=span.since, at__lt=span.until)
    return [Happening(one.at, "said", decision=one) for one in rows.order_by("-pk")[:MOST_MARKS]]
