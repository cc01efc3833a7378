"""Whom an event is for."""

from dataclasses import dataclass, field

from core.roles import Role


@dataclass(frozen=True)
class Audience:
    """Everybody with one of the roles, and the people named."""

    roles: frozenset[Role] = frozenset()
    user_ids: frozenset[int] = field(default_factory=frozenset)


#: Those who drive releases, and those who answer the phone.
CREW = Audience(frozenset({Role.RELEASE_MANAGER, Role.SUPPORT, Role.ADMIN}))
DRIVERS = Audience(frozenset({Role.RELEASE_MANAGER, Role.ADMIN}))
SUPPORT = Audience(frozenset({Role.SUPPORT}))
#: Those who run the installation, and those who can prove afterwards what it did.
KEEPERS = Audience(frozenset({Role.ADMIN, Role.AUDITOR}))

#: Spoken to one person, or of the portal's own housekeeping: no endpoint hears these.
INDOOR_KINDS = frozenset(
    {
        "incident_command_given",
        "incident_communications_given",
        "measure_due",
        "measure_to_verify",
        "measure_rejected",
        "post_mortem_review",
        "post_mortem_sent_back",
        "post_mortem_due",
        "calls_due",
        "history_head",
        "delivery_failed",
        "channel_test",
        "daily_digest",
        "announcement_update_due",
        "announcement_failed",
        "announcement_given_back",
    }
)
