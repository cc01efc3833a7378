"""A note's picture: small, upright, without what cameras add; whatever is no picture is refused."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.actors import SCHEDULER
from core.errors import InvalidInput
from core.roles import Role
from flags.models import Flag, Picture
from flags.pictures import DECODING, LONGEST_EDGE, MOST_BYTES, make_small
from flags.transitions.picturing import remove_note_picture, set_note_picture
from releaseportal.bodies import LIMIT_BYTES, PICTURE_ENDING, PICTURE_LIMIT_BYTES
from tests.factories.flags import make_flag
from tests.factories.pictures import draw_picture
from tests.factories.world import NOW, WHY
from tests.signed_in import sign_in

ORIENTATION, MAKER = 0x0112, 0x010F


def _from_camera() -> bytes:
    """Return a photograph taken with the camera on its side, which says so, and by whom it was made."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "Ana's telephone"
    return draw_picture((40, 20), kind="JPEG", exif=exif)


def test_small__of_a_photograph__is_upright_and_says_nothing_of_its_camera() -> None:
    small = make_small(_from_camera())

    with Image.open(BytesIO(small.content)) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("WEBP", (20, 40), {})
    assert b"Ana" not in small.content


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1"])
def test_small__of_any_mode__is_a_picture(mode: str) -> None:
    assert make_small(draw_picture(mode=mode)).width == 40


def test_small__of_a_large_picture__keeps_its_shape() -> None:
    small = make_small(draw_picture((4_000, 2_000)))

    assert (small.width, small.height) == (LONGEST_EDGE, LONGEST_EDGE // 2)


@pytest.mark.parametrize(
    ("uploaded", "code"),
    [
        (b"", "picture_unreadable"),
        (b"GIF89a" + b"\0" * 40, "picture_unreadable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "picture_unreadable"),
        (draw_picture()[:60], "picture_unreadable"),
        (draw_picture((8_000, 8_000), mode="1"), "picture_too_large"),
        (draw_picture((20_000, 20_000), mode="1"), "picture_unreadable"),
        (b"\0" * (MOST_BYTES + 1), "picture_too_large"),
    ],
    ids=["nothing", "gif", "svg", "torn", "wide", "bomb", "heavy"],
)
def test_small__of_what_is_no_fair_picture__is_refused(uploaded: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_small(uploaded)

    assert refused.value.code == code


def test_small__of_a_picture_whose_palette_is_gone__is_refused() -> None:
    whole = draw_picture(mode="P")
    start = whole.index(b"PLTE") - 4
    length = int.from_bytes(whole[start : start + 4], "big")

    with pytest.raises(InvalidInput) as refused:
        make_small(whole[:start] + whole[start + 12 + length :])

    assert refused.value.code == "picture_unreadable"


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(where=st.lists(st.integers(0, 400), min_size=1, max_size=4), what=st.integers(0, 255))
def test_small__of_a_damaged_photograph__is_a_picture_or_refused(where: list[int], what: int) -> None:
    damaged = bytearray(_from_camera())
    for place in where:
        damaged[place % len(damaged)] = what

    with suppress(InvalidInput):
        assert make_small(bytes(damaged)).width <= LONGEST_EDGE


def test_small__while_another_is_decoded__waits_its_turn() -> None:
    with ThreadPoolExecutor(1) as pool:
        with DECODING:
            waiting = pool.submit(make_small, draw_picture())
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=30).width == 40


def test_small__after_one_that_is_none__takes_the_next() -> None:
    with pytest.raises(InvalidInput):
        make_small(b"none")

    assert make_small(draw_picture()).width == 40


@pytest.mark.django_db
class TestFlag:
    def test_picture__set_twice_and_removed__is_kept_once_and_in_the_history(self) -> None:
        flag, other = make_flag(), make_flag()
        by: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY, "now": NOW}

        for one in (flag, other):
            set_note_picture(flag_id=one.pk, uploaded=draw_picture(), **by)
        remove_note_picture(flag_id=flag.pk, **by)

        assert Picture.objects.count() == 1
        assert Flag.objects.get(pk=flag.pk).note_picture is None
        assert [row.note_picture_id is None for row in flag.history.order_by("history_id")] == [True, False, True]

    def test_page__uploaded__shows_it_with_the_note_to_who_is_signed_in(self) -> None:
        flag = make_flag(cashier_note_fr="Touchez le bouton vert.")
        client = sign_in(Role.RELEASE_MANAGER)
        url = f"/flags/{flag.key}/picture/"
        version = client.get(url).context["version"]
        file = SimpleUploadedFile("écran.png", draw_picture(), content_type="image/png")

        client.post(url, {"picture": file, "reason": "As asked by Lyon", "version": version})

        picture = Picture.objects.get()
        path = f"/pictures/{picture.key}.webp"
        assert path in client.get(f"/flags/{flag.key}/").content.decode()
        answer = client.get(path)
        assert (answer["Content-Type"], answer.content) == ("image/webp", bytes(picture.content))
        assert "immutable" in answer["Cache-Control"]
        assert Client().get(path).status_code == 302

    def test_page__with_no_picture__says_so_and_changes_nothing(self) -> None:
        flag = make_flag()
        client = sign_in(Role.RELEASE_MANAGER)
        file = SimpleUploadedFile("x.png", b"no picture", content_type="image/png")

        answer = client.post(f"/flags/{flag.key}/picture/", {"picture": file, "reason": "Why", "version": 0})

        assert answer.status_code == 400
        assert not Picture.objects.exists()

    def test_page__with_a_file_too_large__says_so(self) -> None:
        flag = make_flag()
        client = sign_in(Role.RELEASE_MANAGER)
        file = SimpleUploadedFile("x.png", b"0" * (2 * MOST_BYTES), content_type="image/png")

        answer = client.post(f"/flags/{flag.key}/picture/", {"picture": file, "reason": "Why", "version": 0})

        assert "at most 8 MB" in answer.content.decode()
        assert not Picture.objects.exists()

    def test_address__of_the_page__may_bring_a_whole_picture(self) -> None:
        assert reverse("flags:picture", args=["a"]).endswith(PICTURE_ENDING)
        assert PICTURE_LIMIT_BYTES > MOST_BYTES + LIMIT_BYTES // 4

    def test_file__sent_to_a_page_that_takes_none__is_not_read(self) -> None:
        flag = make_flag()
        file = SimpleUploadedFile("x.png", draw_picture(), content_type="image/png")

        answer = sign_in(Role.RELEASE_MANAGER).post(f"/flags/{flag.key}/edit/", {"name": "New", "file": file})

        assert not answer.wsgi_request.FILES
        assert Flag.objects.get().name == flag.name

    def test_page__by_support__is_refused(self) -> None:
        flag = make_flag()

        assert sign_in(Role.SUPPORT).get(f"/flags/{flag.key}/picture/").status_code == 403
