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
#: Those who run the installation, and those who can prove afterwards what it did.
KEEPERS = Audience(frozenset({Role.ADMIN, Role.AUDITOR}))
