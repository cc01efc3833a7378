"""Investigations, opened by the real transition."""

from datetime import datetime

from rollouts.models import Investigation, Rollout
from rollouts.transitions.opening_investigations import Finding, open_lane_investigation


def make_investigation(rollout: Rollout, *, now: datetime, lane: str = "alert") -> Investigation:
    """Return an open investigation of what a lane saw."""
    epoch = Rollout.objects.values_list("epoch", flat=True).get(pk=rollout.pk)
    finding = Finding(lane=lane, said="TillErrors fires", breaches=[], flags={"buttons": 1})
    opened = open_lane_investigation(rollout_id=rollout.pk, finding=finding, now=now, expected_epoch=epoch)
    assert opened is not None
    return opened
