"""Which messages say how something stands: of those that wait together, only the newest is still true."""

from collections.abc import Mapping

#: By kind of event, what it says the state of: about one rollout or incident, the newest replaces the rest.
TOPICS: Mapping[str, str] = {
    **dict.fromkeys(("incident_half", "incident_short", "incident_missed", "incident_overdue"), "time left"),
    **dict.fromkeys(("incident_word",), "public word"),
    **dict.fromkeys(("rollout_held", "rollout_paused", "rollout_resumed"), "moves or not"),
    **dict.fromkeys(("step_due_soon", "phase_started", "promoted_early", "rollout_completed"), "progress"),
    **dict.fromkeys(("source_silent", "source_back"), "source"),
    **dict.fromkeys(
        ("target_rollback_waits", "target_rollback_failed", "target_rolled_back", "target_rollback_aborted"), "rollback"
    ),
}


def kinds_about(kind: str) -> frozenset[str]:
    """Return all kinds that say the state of the same as this one; empty for news."""
    topic = topic_of(kind)
    return frozenset(one for one, about in TOPICS.items() if about == topic)


def topic_of(kind: str) -> str:
    """Return what a kind of event says the state of; empty for news, which nothing replaces."""
    return TOPICS.get(kind, "")
