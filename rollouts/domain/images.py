"""Images of releases: named by digest, so that the same words are the same bytes for ever. Pure."""

import re

from core.errors import InvalidInput

#: PostgreSQL checks the same: what both read alike.
PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}$"
MOST_CHARACTERS = 300
_WHOLE = re.compile(PATTERN.removesuffix("$"))


def check_image(image: str) -> None:
    """Refuse an image that a tag names, or nothing; an empty one is none."""
    if image and (len(image) > MOST_CHARACTERS or not _WHOLE.fullmatch(image)):
        raise InvalidInput("image_unpinned")
