"""Which tills have what a rollout did last: its newest steps, and what is off again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flags.models import Flag, Site
from flags.reach import Confirmation, confirm_flags
from rollouts.models import Rollout, Step, StepStatus


@dataclass(frozen=True)
class Confirmed:
    """The way to the tills of flags that stand alike: `is_off` where off again; `site` where only that one is asked."""

    flags: Sequence[Flag]
    is_off: bool
    site: Site | None
    confirmation: Confirmation


def list_confirmations(
    rollout: Rollout, *, off: Collection[str], now: datetime, shut: Collection[int] = ()
) -> list[Confirmed]:
    """Return what is off again and the steps of the last moment, each with its tills: six queries at most.

    What was done last at one of the sites in `shut`, which were taken back, is off there.
    """
    rows = rollout.rollout_flags.filter(flag__key__in=off).select_related("flag").order_by("position")
    gone = [row.flag for row in rows]
    last = _list_last_steps(rollout)
    flag_ids = {flag.pk for flag in gone} | {step.flag_id for step in last}
    if not flag_ids:
        return []
    place = rollout.environment_id
    everywhere = confirm_flags(environment_id=place, flag_ids=flag_ids, now=now)
    on = [step for step in last if step.flag.key not in off]
    site = on[0].site if on else None
    here = everywhere
    if site is not None:
        here = confirm_flags(environment_id=place, flag_ids=[step.flag_id for step in on], now=now, site_ids=[site.pk])
    return [
        *_put_together(gone, everywhere, is_off=True, site=None),
        *_put_together([step.flag for step in on], here, is_off=site is not None and site.pk in shut, site=site),
    ]


def _put_together(
    flags: Sequence[Flag], confirmations: Mapping[int, Confirmation], *, is_off: bool, site: Site | None
) -> list[Confirmed]:
    """Tell flags whose tills stand alike as one, in the order of their first."""
    alike: dict[tuple[object, ...], list[Flag]] = {}
    for flag in flags:
        one = confirmations[flag.pk]
        alike.setdefault(
            (one.confirmed, one.total, tuple((till.site_name, till.name) for till in one.silent)), []
        ).append(flag)
    return [
        Confirmed(together, is_off=is_off, site=site, confirmation=confirmations[together[0].pk])
        for together in alike.values()
    ]


def _list_last_steps(rollout: Rollout) -> Sequence[Step]:
    """Return the steps done last: those of one due moment and one audience, in order."""
    done = rollout.steps.filter(status=StepStatus.DONE).select_related("flag", "site")
    last = done.order_by("-done_at", "-position").first()
    if last is None:
        return []
    together = done.filter(due_at=last.due_at, site=last.site_id, segment=last.segment_id)
    return list(together.order_by("position"))
