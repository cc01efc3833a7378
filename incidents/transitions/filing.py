"""Notes that somebody took a dossier of a release out of the portal."""

from datetime import datetime

from core.actors import Actor
from core.errors import InvalidInput
from incidents.models import Dossier


def note_dossier(*, release_id: int, sha256: str, actor: Actor, now: datetime) -> Dossier:
    """Note who took which one; it is a person who does."""
    if actor.user_id is None:
        raise InvalidInput("dossier_needs_person")
    return Dossier.objects.create(release_id=release_id, sha256=sha256, made_at=now, made_by_id=actor.user_id)
