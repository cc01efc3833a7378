"""The picture of a flag's note for cashiers: chosen, or taken away."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.history import recorded
from flags.models import Flag, Picture
from flags.pictures import make_small
from flags.transitions.locking import get_locked_flag


@transaction.atomic
def set_note_picture(
    *, flag_id: int, uploaded: bytes, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> Flag:
    """Show a picture with a flag's note; refuse what is no picture."""
    small = make_small(uploaded)
    flag = get_locked_flag(flag_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        kept = {"content": small.content, "width": small.width, "height": small.height}
        flag.note_picture, _made = Picture.objects.get_or_create(key=small.key, defaults=kept)
        flag.save()
    return flag


@transaction.atomic
def remove_note_picture(
    *, flag_id: int, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> Flag:
    """Show no picture with a flag's note any more; what was shown stays in the history."""
    flag = get_locked_flag(flag_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        flag.note_picture = None
        flag.save()
    return flag
