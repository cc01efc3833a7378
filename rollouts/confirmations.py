"""Which tills have what a rollout did last: its newest steps, and what is off again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from flags.models import Site
from flags.reach import Confirmation, confirm_flags
from rollouts.models import Rollout, Step, StepStatus


@dataclass(frozen=True)
class Confirmed:
    """One flag's way to the tills: `is_off` where it is off again; `site` where only that one is asked."""

    flag_key: str
    flag_name: str
    is_off: bool
    site: Site | None
    confirmation: Confirmation


def list_confirmations(rollout: Rollout, *, off: Collection[str], now: datetime) -> list[Confirmed]:
    """Return what is off again and the steps of the last moment, each with its tills: six queries at most."""
    rows = rollout.rollout_flags.filter(flag__key__in=off).select_related("flag").order_by("position")
    gone = [row.flag for row in rows]
    last = _list_last_steps(rollout)
    flag_ids = {flag.pk for flag in gone} | {step.flag_id for step in last}
    if not flag_ids:
        return []
    place = rollout.environment_id
    everywhere = confirm_flags(environment_id=place, flag_ids=flag_ids, now=now)
    found = [Confirmed(flag.key, flag.name, is_off=True, site=None, confirmation=everywhere[flag.pk]) for flag in gone]
    on = [step for step in last if step.flag.key not in off]
    site = on[0].site if on else None
    here = everywhere
    if site is not None:
        here = confirm_flags(environment_id=place, flag_ids=[step.flag_id for step in on], now=now, site_ids=[site.pk])
    return found + [
        Confirmed(step.flag.key, step.flag.name, is_off=False, site=site, confirmation=here[step.flag_id])
        for step in on
    ]


def _list_last_steps(rollout: Rollout) -> Sequence[Step]:
    """Return the steps done last: those of one due moment and one audience, in order."""
    done = rollout.steps.filter(status=StepStatus.DONE).select_related("flag", "site")
    last = done.order_by("-done_at", "-position").first()
    if last is None:
        return []
    together = done.filter(due_at=last.due_at, site=last.site_id, segment=last.segment_id)
    return list(together.order_by("position"))
