"""Writes of releases: by a person, or registered by a pipeline that may ask twice."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Flag
from rollouts.domain.images import check_image
from rollouts.models import Release, ReleaseFlag


@transaction.atomic
def create_release(
    *,
    version: str,
    flag_ids: Sequence[int],
    actor: Actor,
    reason: str,
    now: datetime,
    name: str = "",
    notes: str = "",
    image: str = "",
) -> Release:
    """Create a release with its flags in the order they advance."""
    version = version.strip()
    if not version or not flag_ids:
        raise InvalidInput("release_incomplete")
    if not version.isprintable() or "/" in version or not version.strip("."):
        raise InvalidInput("release_version_odd")
    if len(set(flag_ids)) != len(flag_ids) or Flag.objects.filter(pk__in=flag_ids).count() != len(flag_ids):
        raise InvalidInput("flags_wrong")
    check_image(image)
    with recorded(actor=actor, reason=reason, now=now):
        release = Release(version=version[:50], name=name, notes=notes, image=image)
        try:
            with transaction.atomic():
                release.save()
        except IntegrityError:
            raise Refusal("release_exists", version=version) from None
        for position, flag_id in enumerate(flag_ids, start=1):
            ReleaseFlag(release=release, flag_id=flag_id, position=position).save()
    return release


@transaction.atomic
def register_release(
    *,
    version: str,
    flag_keys: Sequence[str],
    actor: Actor,
    reason: str,
    now: datetime,
    name: str = "",
    notes: str = "",
    image: str = "",
) -> tuple[Release, bool]:
    """Create a release once, however often it is asked for; True where this call made it.

    Refuses a version that is there with another content: what was planned with it stays what it was.
    """
    content = (version.strip(), name.strip(), notes.strip(), image.strip(), list(flag_keys))
    version, name, notes, image, _keys = content
    found = Release.objects.filter(version=version).first()
    if found is None:
        flag_ids = _find_flags(flag_keys)
        given = {"name": name, "notes": notes, "image": image, "flag_ids": flag_ids}
        try:
            return create_release(version=version, actor=actor, reason=reason, now=now, **given), True  # type: ignore[arg-type]  # each of its own type
        except Refusal as refusal:
            # Somebody registers the same at the same moment: what they wrote is there now.
            found = Release.objects.filter(version=version).first() if refusal.code == "release_exists" else None
            if found is None:
                raise
    if content != _read_content(found):
        raise Refusal("release_differs", version=version)
    return found, False


def _find_flags(keys: Sequence[str]) -> list[int]:
    """Return the flags in use with these keys, in order; refuse a key that none has."""
    found = dict(Flag.objects.filter(key__in=keys, archived_at=None).values_list("key", "pk"))
    if missing := [key for key in keys if key not in found]:
        raise InvalidInput("release_flag_unknown", flag=missing[0])
    return [found[key] for key in keys]


def _read_content(release: Release) -> tuple[str, str, str, str, list[str]]:
    keys = release.release_flags.order_by("position").values_list("flag__key", flat=True)
    return release.version, release.name, release.notes, release.image, list(keys)
