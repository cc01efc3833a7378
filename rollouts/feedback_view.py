"""The card of daily feedback on a rollout's page: what pilots say of each day, beside what the shops report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from core.domain.business_time import day_bounds, local_day
from flags.domain.opening import each_day
from health.day_queries import sum_requests_by_day
from health.domain.exposure import list_exposed_sites
from health.queries import count_complaints_by_day
from rollouts.domain.feedback import GRACE, mean_of
from rollouts.domain.lifecycle import ENDED
from rollouts.exposure_queries import exposures_of
from rollouts.feedback_links import Link, write_token
from rollouts.feedback_queries import ONE_DAY, asks_for_feedback, list_feedback, list_people, name_people
from rollouts.models import Feedback, Phase, PhaseStatus, Rollout

#: So many days are shown, today's with them.
DAYS = 5


@dataclass(frozen=True)
class PilotLink:
    """A pilot's own address of the feedback page."""

    name: str
    url: str


@dataclass(frozen=True)
class DaySummary:
    """A day in words and figures: its answers, newest first, complaints, and the share of requests that failed."""

    day: date
    answers: Sequence[Feedback]
    complaints: int
    requests: int
    errors: int

    @property
    def pilots(self) -> int:
        return len({one.targeting_key for one in self.answers})

    @property
    def mean(self) -> float | None:
        return mean_of(one.rating for one in self.answers)

    @property
    def error_percent(self) -> float | None:
        return 100 * self.errors / self.requests if self.requests else None


@dataclass(frozen=True)
class FeedbackCard:
    """`links` are for those who drive releases; `names` are the people's by targeting key."""

    days: Sequence[DaySummary]
    links: Sequence[PilotLink]
    names: dict[str, str]


def find_feedback_card(rollout: Rollout, *, now: datetime, with_links: bool) -> FeedbackCard | None:
    """Return the card, None of a rollout that asks nobody, or not yet: at most nine queries."""
    phases = [phase for phase in rollout.phases.all() if asks_for_feedback(phase)]
    if not phases:
        return None
    begun = [phase for phase in phases if phase.status != PhaseStatus.PENDING]
    current = next((phase for phase in phases if phase.status != PhaseStatus.DONE), None)
    asked = current or (phases[-1] if now < phases[-1].ends_at + GRACE else None)
    links = list_links(asked, now=now) if asked and with_links and rollout.status not in ENDED else []
    days = summarise_days(rollout, begins_at=begun[0].starts_at, now=now) if begun else []
    if current is None:
        # The trial is over: since then only what somebody said all the same.
        over_on = local_day(phases[-1].ends_at, zone=ZoneInfo(rollout.zone))
        days = [one for one in days if one.answers or one.day < over_on]
    return FeedbackCard(days, links, name_people(rollout)) if links or days else None


def list_links(phase: Phase, *, now: datetime) -> list[PilotLink]:
    """Return each of a phase's people with their link of today: one query."""
    today = local_day(now, zone=ZoneInfo(phase.rollout.zone))
    people = {row.targeting_key: str(row) for row in list_people(phase)}
    return [
        PilotLink(name, f"{settings.PUBLIC_URL}{_address(Link(phase.rollout_id, key, today))}")
        for key, name in people.items()
    ]


def _address(link: Link) -> str:
    return reverse("rollouts:feedback", kwargs={"token": write_token(link)})


def summarise_days(rollout: Rollout, *, begins_at: datetime, now: datetime) -> list[DaySummary]:
    """Return the last days since a moment, today first, no more than `DAYS`: six queries."""
    zone = ZoneInfo(rollout.zone)
    today = local_day(now, zone=zone)
    first = max(local_day(begins_at, zone=zone), today - timedelta(days=DAYS - 1))
    days = list(each_day(first, today + ONE_DAY))
    answers = list_feedback(rollout, since=first, until=today + ONE_DAY)
    exposures = exposures_of(rollout)
    complaints = count_complaints_by_day(
        environment_key=rollout.environment.key,
        flag_keys=[exposure.flag_key for exposure in exposures],
        site_keys=list_exposed_sites(exposures),
        now=now,
        days=max(len(days), 1),
    )
    requests = sum_requests_by_day(
        environment_key=rollout.environment.key, since=day_bounds(first, zone=zone)[0], until=now, zone=zone
    )
    return [
        DaySummary(day, [one for one in answers if one.day == day], count, *requests.get(day, (0, 0)))
        for day, count in reversed(list(zip(days, complaints, strict=bool(days))))
    ]
