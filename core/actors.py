"""Who acts: a person, the system itself, a program's token, or a shell command."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.models import User


class ActorKind(StrEnum):
    USER = "user"
    SYSTEM = "system"
    TOKEN = "token"  # noqa: S105  # a kind of actor
    COMMAND = "command"


@dataclass(frozen=True)
class Actor:
    """Who does a write. `label` is what history shows; `user_id` is set for people only."""

    kind: ActorKind
    label: str
    user_id: int | None = None


SCHEDULER = Actor(ActorKind.SYSTEM, "scheduler")
GUARDRAIL = Actor(ActorKind.SYSTEM, "guardrail")
INTAKE = Actor(ActorKind.SYSTEM, "intake")
INSTALLATION = Actor(ActorKind.SYSTEM, "installation")
COURIER = Actor(ActorKind.SYSTEM, "courier")
RECOVERY = Actor(ActorKind.SYSTEM, "recovery")
PILOT = Actor(ActorKind.SYSTEM, "pilot")
VOLUNTEER = Actor(ActorKind.SYSTEM, "volunteer")
DEMO = Actor(ActorKind.SYSTEM, "demo")


def person(user: User) -> Actor:
    """Return the actor for a signed-in person."""
    return Actor(ActorKind.USER, str(user), user.pk)


def command(account: str) -> Actor:
    """Return the actor for a shell command, under an operating-system account or a given name."""
    return Actor(ActorKind.COMMAND, account)


def token(name: str) -> Actor:
    """Return the actor for a program's token."""
    return Actor(ActorKind.TOKEN, name)
