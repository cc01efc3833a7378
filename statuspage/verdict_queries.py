"""When health was judged to be in breach: intervals, from the stored verdicts of real rollouts."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db.models import OuterRef, Q, Subquery

from health.domain import error_rate
from health.domain.verdict import Verdict
from health.models import StoredVerdict
from rollouts.models import RollbackFlag, Rollout
from statuspage.domain.affecting import Trouble
from statuspage.domain.states import State

#: What the public notices: errors. Slowness and alerts of a single system are no outage.
LANES = ("critical", error_rate.LANE)


def read_breaches(environment_ids: Collection[int], *, since: datetime, until: datetime) -> list[tuple[int, Trouble]]:
    """Return each breach since a moment, with its environment's id: a partial outage of its flag. Three queries.

    A verdict is stored when it changes, so a breach lasts until the lane's next verdict on that flag, and at most until
    the flag was taken back, its rollout ended, or `until`.
    """
    rollouts = Rollout.objects.filter(environment__in=environment_ids, is_rehearsal=False).filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=since)
    )
    by_subject = {one.subject: one for one in rollouts.only("environment_id", "ended_at")}
    if not by_subject:
        return []
    taken_back = _list_taken_back([one.pk for one in by_subject.values()])
    # Not a window: Django would look for the next verdict among the breaches alone.
    later = StoredVerdict.objects.filter(
        subject=OuterRef("subject"), flag_key=OuterRef("flag_key"), lane=OuterRef("lane"), pk__gt=OuterRef("pk")
    ).order_by("pk")
    rows = (
        StoredVerdict.objects.filter(subject__in=by_subject, lane__in=LANES, verdict=Verdict.BREACH)
        .annotate(next_at=Subquery(later.values("at")[:1]))
        .values_list("subject", "flag_key", "at", "next_at")
    )
    found = []
    for subject, flag_key, at, next_at in rows:
        rollout = by_subject[subject]
        ends = [next_at, rollout.ended_at, *(back for back in taken_back[rollout.pk, flag_key] if back >= at), until]
        ended_at = min(end for end in ends if end is not None)
        if ended_at > max(at, since):
            trouble = Trouble(State.PARTIAL, began_at=at, ended_at=ended_at, flag_keys=frozenset({flag_key}))
            found.append((rollout.environment_id, trouble))
    return sorted(found, key=lambda one: (one[1].began_at, one[0]))


def _list_taken_back(rollout_ids: Collection[int]) -> dict[tuple[int, str], list[datetime]]:
    rows = RollbackFlag.objects.filter(rollout__in=rollout_ids).values_list(
        "rollout", "flag__key", "rollback__contained_at"
    )
    found: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    for rollout_id, flag_key, at in rows:
        found[rollout_id, flag_key].append(at)
    return found
