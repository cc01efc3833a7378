"""A rollout with pilots on real days, and what they say by their links."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.actors import SCHEDULER
from core.domain.business_time import local_day
from flags.transitions import NewMember
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.feedback_links import Link
from rollouts.models import Feedback, Rollout
from rollouts.transitions import plan_rollout, run_next_step, schedule_rollout
from rollouts.transitions.giving_feedback import give_feedback
from rollouts.transitions.templating import create_template
from tests.factories.world import NOW, WHY, World

PARIS = ZoneInfo("Europe/Paris")
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}
#: Wednesday and Thursday for the pilots, everyone on Friday.
PILOT = PhaseTemplate(PhaseKind.PILOT, days=2, advance=Advance.TOGETHER, gates=(Gate.FEEDBACK,))
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """Return an hour of a day of November 2026 in Paris."""
    return datetime(2026, 11, day, hour, minute, tzinfo=PARIS)


def make_trial(
    world: World, *, phase: PhaseTemplate = PILOT, pilots: int = 4, day_seconds: int | None = None
) -> Rollout:
    """Return a scheduled rollout: two days of pilots from Wed 25 November, then everyone."""
    template = create_template(name="Trial", phases=[phase, FULL], **BY)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}", f"Cashier {n}") for n in range(pilots)),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=None if day_seconds else date(2026, 11, 25),
        day_seconds=day_seconds,
        template_version_id=template.versions.get().pk,
    )
    rollout = plan_rollout(request=request, **BY)
    return schedule_rollout(rollout_id=rollout.pk, **BY)


def run(rollout: Rollout, *, now: datetime) -> None:
    """Do every step that is due."""
    while run_next_step(rollout_id=rollout.pk, now=now) is not None:
        pass


def link_of(rollout: Rollout, number: int = 0, *, now: datetime = NOW, days_ago: int = 0) -> Link:
    """Return a pilot's link, given out so many days ago."""
    return Link(rollout.pk, f"cashier-{number}", local_day(now, zone=PARIS) - timedelta(days=days_ago))


def say(rollout: Rollout, number: int, *, now: datetime, rating: int = 4, text: str = "", **given: Any) -> Feedback:
    """Give feedback as a pilot."""
    link = link_of(rollout, number, now=now)
    return give_feedback(link=link, rating=rating, text=text, flag_id=given.get("flag_id"), now=now)
