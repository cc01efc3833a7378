"""Announcements, led to a state by the real transitions."""

from typing import Any

from announcements.domain.kinds import Kind
from announcements.models import Announcement
from announcements.tasks import drive_outlets
from announcements.transitions import Content, create_draft, publish_announcement
from core.actors import Actor, person
from core.models import User
from core.roles import Role
from flags.models import Environment
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment

WORDS: dict[str, Any] = {
    "title_fr": "Maintenance ce soir",
    "body_fr": "La caisse s’arrête à 20 h.",
    "title_en": "Maintenance tonight",
    "body_en": "The till stops at 8 pm.",
}


def make_content(**given: Any) -> Content:
    """Return sound words for support, by inbox and e-mail."""
    wanted: dict[str, Any] = {"kind": Kind.FREE, "outlets": ["people"], "roles": ["support"], **WORDS}
    return Content(**(wanted | given))


def make_draft(
    environment: Environment | None = None, *, actor: Actor | None = None, now: Any = NOW, **given: Any
) -> Announcement:
    """Write a draft."""
    return create_draft(
        content=make_content(**given),
        environment_id=(environment or make_environment()).pk,
        actor=actor or person(make_person(Role.RELEASE_MANAGER)),
        now=now,
    )


def publish(draft: Announcement, *, user: User | None = None, **given: Any) -> Announcement:
    """Say a draft by its outlets, all at work."""
    wanted: dict[str, Any] = {"reason": "needed by a test", "now": NOW}
    actor = person(user or make_person(Role.RELEASE_MANAGER))
    publish_announcement(announcement_id=draft.pk, actor=actor, **(wanted | given))
    drive_outlets(draft.pk)
    draft.refresh_from_db()
    return draft
