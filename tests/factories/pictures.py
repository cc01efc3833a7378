"""Pictures as people upload them."""

from io import BytesIO

from PIL import Image


def draw_picture(size: tuple[int, int] = (40, 20), *, kind: str = "PNG", mode: str = "RGB", **given: object) -> bytes:
    written = BytesIO()
    Image.new(mode, size, color=None).save(written, format=kind, **given)
    return written.getvalue()
