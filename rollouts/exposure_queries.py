"""Reads who sees each flag, as health judges it: for one rollout, or for all under way at once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import F, Max, Min, Q, QuerySet

from flags.domain.audience import RuleKind
from health.domain import query_lane
from health.domain.exposure import Exposure
from health.domain.guardrail import FLAG_LANES
from rollouts.hand_queries import list_flags_off
from rollouts.models import Rollout, RolloutEvent, Step, StepStatus


def exposures_of(rollout: Rollout) -> list[Exposure]:
    """Return who sees each flag that is still driven, by the steps done: three queries.

    A flag that is off all the same counts: what comes late of it is still its own, and must not be taken for
    another's. Pages show `exposures_on`.
    """
    return read_exposures([rollout])[rollout.pk]


def exposures_on(rollout: Rollout) -> list[Exposure]:
    """Return who sees each flag now: what somebody switched off behind the rollout's back is left out."""
    off = list_flags_off(rollout)
    return [exposure for exposure in exposures_of(rollout) if exposure.flag_key not in off]


def read_exposures(rollouts: Collection[Rollout]) -> Mapping[int, list[Exposure]]:
    """Return the exposures of some rollouts by their keys: three queries for all.

    The watch asks every few seconds, so the database sums up what may be fifty thousand steps.
    """
    keys = [rollout.pk for rollout in rollouts]
    driven = Step.objects.filter(
        rollout__in=keys,
        status=StepStatus.DONE,
        rollout__rollout_flags__is_active=True,
        rollout__rollout_flags__flag=F("flag"),
    )
    newest = driven.order_by("rollout_id", "-done_at", "-position").distinct("rollout_id")
    newest_flags = dict(newest.values_list("rollout_id", "flag__key"))
    seen_at = _find_seen_at(keys)
    audiences = driven.order_by("rollout_id", "flag__key").values(
        "rollout_id", "flag__key", "audience_kind", "site__key"
    )
    since = audiences.annotate(since=Min("done_at"))
    rows = {key: list(group) for key, group in groupby(since, itemgetter("rollout_id"))}
    return {
        rollout.pk: [
            _expose(
                rollout, flag_key, list(group), newest=newest_flags.get(rollout.pk), seen_at=seen_at.get(rollout.pk)
            )
            for flag_key, group in groupby(rows.get(rollout.pk, ()), itemgetter("flag__key"))
        ]
        for rollout in rollouts
    }


def _expose(
    rollout: Rollout,
    flag_key: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    newest: str | None,
    seen_at: datetime | None,
) -> Exposure:
    sites = {row["site__key"]: row["since"] for row in rows if row["site__key"]}
    everyone_since = next((row["since"] for row in rows if row["audience_kind"] == RuleKind.EVERYONE), None)
    return Exposure(
        flag_key=flag_key,
        environment_key=rollout.environment.key,
        since=min(row["since"] for row in rows),
        everyone=everyone_since is not None,
        site_keys=frozenset(sites),
        subject=rollout.subject,
        epoch=rollout.epoch,
        is_newest=flag_key == newest,
        seen_at=seen_at,
        site_since=sites,
        everyone_since=everyone_since,
    )


def _find_seen_at(rollout_ids: Collection[int]) -> dict[int, datetime]:
    """Return when what a share lane said was last dealt with: resumed by a person, or taken back."""
    rows = _choose_dealt_with().filter(rollout__in=rollout_ids).order_by().values("rollout_id")
    return {row["rollout_id"]: row["last"] for row in rows.annotate(last=Max("at"))}


def list_dealt_with(rollout: Rollout) -> list[datetime]:
    """Return each time at which what a lane said was dealt with, in order: one query."""
    return list(_choose_dealt_with().filter(rollout=rollout).order_by("at").values_list("at", flat=True))


def _choose_dealt_with() -> QuerySet[RolloutEvent]:
    resumed, taken_back = Q(), Q()
    for lane in (*FLAG_LANES, query_lane.LANE):
        resumed |= Q(kind="resumed", data__after__startswith=lane)
        taken_back |= Q(kind__in=["flag_rolled_back", "site_rolled_back"], data__trigger=lane)
    return RolloutEvent.objects.filter(resumed | taken_back)
