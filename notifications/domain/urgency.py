"""What cannot wait: it goes before everything else, and at any hour."""

from enum import IntEnum


class Priority(IntEnum):
    """The order in which couriers take what is due; stored with each delivery."""

    URGENT = 0
    USUAL = 5
    BULK = 9


#: Somebody has to act within minutes or hours, and harm grows while it lies unread: it goes first, and at any hour.
URGENT_KINDS = frozenset(
    {
        *("flag_rolled_back", "site_rolled_back", "phase_rolled_back", "rollout_rolled_back", "rollout_held"),
        *("incident_opened", "incident_raised", "incident_reopened", "incident_short", "incident_missed"),
        *("incident_overdue", "incident_command_given", "incident_communications_given", "incident_word_due"),
        *("intake_failed", "source_intake_failed", "complaint_limit_reached", "pilots_complain"),
        *("target_rollback_waits", "target_rollback_failed", "deployment_failed"),
        *("channel_broken", "channel_test"),
    }
)


def priority_of(kind: str) -> Priority:
    """Return how soon an event's deliveries go out beside others that are due."""
    return Priority.URGENT if kind in URGENT_KINDS else Priority.USUAL
