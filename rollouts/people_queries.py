"""Reads of the people whom a rollout's flags are on for by name."""

from collections.abc import Collection

from flags.models import SegmentMember
from rollouts.models import Rollout, StepStatus


def list_exposed_segments(rollout: Rollout, flag_keys: Collection[str]) -> list[int]:
    """Return the segments that some of these flags are on for, by the steps done: one query."""
    done = rollout.steps.filter(status=StepStatus.DONE, segment__isnull=False, flag__key__in=flag_keys)
    return list(done.values_list("segment_id", flat=True).distinct())


def count_exposed_people(rollout: Rollout, flag_keys: Collection[str]) -> int:
    """Return how many people are in the segments that some of these flags are on for: two queries."""
    members = SegmentMember.objects.filter(segment__in=list_exposed_segments(rollout, flag_keys))
    return members.values("targeting_key").distinct().count()
