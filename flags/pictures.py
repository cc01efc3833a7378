"""Makes what people upload a small picture that shows what it shows and says nothing of who took it."""

import struct
import threading
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import InvalidInput

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_BYTES = 8 * 1024 * 1024
#: Of width times height: what a telephone's camera makes, and no bomb.
MOST_PIXELS = 60_000_000
#: Eight megabytes of file may be 240 of pixels: one is in memory at a time, the others wait as files.
DECODING = threading.Lock()
#: What the library raises of what is no picture, or a damaged one: of some it meets its own assertions.
DAMAGED = (
    *(UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, struct.error),
    *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, TypeError, ValueError),
)
LONGEST_EDGE = 1_200
QUALITY = 82
#: Modes whose pixels are no colours: nothing between two of them means anything.
PALETTES = frozenset({"1", "P"})


@dataclass(frozen=True)
class SmallPicture:
    """A WebP picture of at most `LONGEST_EDGE` pixels either way; `key` is the SHA-256, hex, of its bytes."""

    content: bytes
    width: int
    height: int

    @property
    def key(self) -> str:
        return sha256(self.content).hexdigest()


def make_small(uploaded: bytes) -> SmallPicture:
    """Return a picture upright, small and without metadata; refuse what is no picture, or too large a one."""
    if len(uploaded) > MOST_BYTES:
        raise InvalidInput("picture_too_large", most=MOST_BYTES // 1024 // 1024)
    try:
        with DECODING, Image.open(BytesIO(uploaded), formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise InvalidInput("picture_too_large", most=MOST_BYTES // 1024 // 1024)
            return _write(image)
    except DAMAGED:
        raise InvalidInput("picture_unreadable") from None


def _write(image: Image.Image) -> SmallPicture:
    """Return a picture made small before anything else: a large one lies in memory once, a photograph never whole."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    small = image.convert(mode) if image.mode in PALETTES else image
    small.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    plain = ImageOps.exif_transpose(small).convert(mode)
    written = BytesIO()
    plain.save(written, format="WEBP", quality=QUALITY)
    return SmallPicture(written.getvalue(), plain.width, plain.height)
