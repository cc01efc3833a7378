"""Pictures are kept under their hash; that of a flag's note for cashiers is chosen, or taken away."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.history import recorded
from flags.models import Flag, Picture
from flags.pictures import SmallPicture, make_small
from flags.transitions.locking import get_locked_flag


def keep_picture(small: SmallPicture) -> Picture:
    """Return a small picture as it lies in the database: one row, however often it is sent."""
    kept = {"content": small.content, "width": small.width, "height": small.height}
    return Picture.objects.get_or_create(key=small.key, defaults=kept)[0]


@transaction.atomic
def set_note_picture(
    *, flag_id: int, uploaded: bytes, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> Flag:
    """Show a picture with a flag's note; refuse what is no picture."""
    small = make_small(uploaded)
    flag = get_locked_flag(flag_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        flag.note_picture = keep_picture(small)
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
