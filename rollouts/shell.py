"""What the commands about releases and rollouts share: days, hours, and lines that say what stands where."""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import date, datetime, time

from django.core.management.base import CommandError
from django.utils import timezone

from core.fields import FIRST_DAY, LAST_DAY
from flags.models import Environment
from rollouts.drawing import Plan
from rollouts.models import Release, Rollout
from rollouts.queries import find_next_step

MOST_DAY_SECONDS = 86_400


def get_environment(key: str) -> Environment:
    """Return an environment; refuse an unknown one with what there is."""
    found = Environment.objects.filter(key=key).first()
    if found is None:
        keys = ", ".join(Environment.objects.values_list("key", flat=True))
        raise CommandError(f"There is no environment '{key}': choose {keys or 'none, make one first'}.")
    return found


def day(text: str) -> date:
    """Return a day given as YYYY-MM-DD."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no day: write YYYY-MM-DD") from None
    if not FIRST_DAY <= found <= LAST_DAY:
        raise ArgumentTypeError("a day between 2000 and 2100")
    return found


def hour(text: str) -> time:
    """Return an hour given as HH:MM."""
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  # an hour of no day has no zone
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no hour: write HH:MM") from None


def day_seconds(text: str) -> int:
    """Return the length of a rehearsal's day."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_DAY_SECONDS))):
        raise ArgumentTypeError(f"'{text}' is no length: write seconds, 1 to {MOST_DAY_SECONDS}")
    if not 1 <= int(text) <= MOST_DAY_SECONDS:
        raise ArgumentTypeError(f"1 to {MOST_DAY_SECONDS} seconds")
    return int(text)


def say_release(release: Release) -> str:
    """Return a release, its flags in order and its image on one line."""
    flags = ", ".join(row.flag.key for row in release.release_flags.all())
    return "  ".join(filter(None, [release.version, release.name, flags, release.image]))


def say_rollout(rollout: Rollout) -> str:
    """Return where a rollout stands on one line."""
    state = f"{rollout.status} ({rollout.held_code})" if rollout.held_code else rollout.status
    kind = "  rehearsal" if rollout.is_rehearsal else ""
    return f"{rollout.pk}  {rollout}  {state}  epoch {rollout.epoch}, attempt {rollout.attempt}{kind}"


def describe_rollout(rollout: Rollout) -> Iterator[str]:
    """Yield the lines about a rollout: where it stands, its flags, its phases, what comes next."""
    yield say_rollout(rollout)
    for row in rollout.rollout_flags.select_related("flag").order_by("position"):
        acknowledged = ", acknowledged" if row.acknowledged_at else ""
        state = f"taken back{acknowledged}" if row.rolled_back_at else "driven" if row.is_active else "not driven"
        yield f"  flag   {row.flag.key}: {state}"
    for phase in rollout.phases.order_by("position"):
        yield f"  phase  {phase.kind}: {phase.status}, {say_moment(phase.starts_at)} to {say_moment(phase.ends_at)}"
    step = find_next_step(rollout)
    if step is not None:
        yield f"  next   {say_moment(step.due_at)}  {step.flag.key} on for {step.whom}"


def describe_plan(plan: Plan) -> Iterator[str]:
    """Yield the lines of a drawn plan: each step with its moment, then what is odd."""
    for phase in plan.phases:
        for step in phase.steps:
            share = f" {step.share_bp / 100:g} %" if step.share_bp is not None else ""
            whom = step.site_key or step.segment_key or step.audience
            yield f"{say_moment(step.due_at)}  {phase.kind}  {step.flag_key}  {whom}{share}"
    for code in plan.warnings:
        yield f"warning: {code}"


def say_moment(moment: datetime) -> str:
    """Return a moment in the portal's time zone, with its offset."""
    return timezone.localtime(moment).isoformat(timespec="seconds")
