"""Routes of releases: a pipeline registers one with its image in one call, and may ask twice."""

from typing import Annotated

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import NotFound
from flags.rest import REFUSED, ROWS, Answer, Cursor, Limit, Reason, Refused, Wish, caller_of, cut_page
from rollouts.domain.images import MOST_CHARACTERS
from rollouts.models import Release, ReleaseFlag
from rollouts.transitions import register_release

router = Router(tags=["Releases"])

EXAMPLE: JsonDict = {
    "version": "1.3.0",
    "name": "Price buttons",
    "notes": "Buttons in place of the list of prices.",
    "flags": ["price_buttons", "tickets"],
    "image": "registry.example.org/till@sha256:" + "0123456789abcdef" * 4,
}
MOST_FLAGS = 200
Key = Annotated[str, Field(min_length=1, max_length=100)]


class ReleaseWish(Wish):
    """A release as its pipeline knows it."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"reason": "Built from main, run 4711"}]})

    version: str = Field(min_length=1, max_length=50)
    flags: list[Key] = Field(min_length=1, max_length=MOST_FLAGS, description="Keys, in the order they advance")
    reason: Reason
    name: str = Field("", max_length=200)
    notes: str = Field("", max_length=20_000)
    image: str = Field("", max_length=MOST_CHARACTERS, description="By its digest: registry/name@sha256:…")


class ReleaseAnswer(Answer):
    """A release; it is the same in every environment."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"id": 7}]})

    id: int
    version: str
    name: str
    notes: str
    flags: list[str]
    image: str


class ReleasePage(Answer):
    items: list[ReleaseAnswer]
    next: int | None = Field(None, description="Cursor of the next page; null on the last")


def say_release(row: Release) -> ReleaseAnswer:
    """Return a release with its flags' keys in order; `release_flags__flag` are best prefetched."""
    return ReleaseAnswer(
        id=row.pk,
        version=row.version,
        name=row.name,
        notes=row.notes,
        flags=[one.flag.key for one in row.release_flags.all()],
        image=row.image,
    )


def _rows() -> QuerySet[Release]:
    return Release.objects.prefetch_related(Prefetch("release_flags", ReleaseFlag.objects.select_related("flag")))


@router.get(
    "/releases", response={200: ReleasePage, REFUSED: Refused}, operation_id="list_releases", summary="List releases"
)
def list_releases(request: HttpRequest, limit: Limit = ROWS, cursor: Cursor = None) -> ReleasePage:
    """Releases, newest first."""
    rows, following = cut_page(_rows(), limit=limit, cursor=cursor)
    return ReleasePage(items=[say_release(row) for row in rows], next=following)


@router.post(
    "/releases",
    response={201: ReleaseAnswer, 200: ReleaseAnswer, REFUSED: Refused},
    operation_id="register_release",
    summary="Register a release",
)
def register(request: HttpRequest, wish: ReleaseWish) -> Status[ReleaseAnswer]:
    """201 for a new version; 200 where it is there with the same content, so that a pipeline may ask again;
    409 `release_differs` where it is there with another.
    """
    release, is_new = register_release(
        version=wish.version,
        flag_keys=wish.flags,
        name=wish.name,
        notes=wish.notes,
        image=wish.image,
        actor=caller_of(request).actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return Status(201 if is_new else 200, say_release(_rows().get(pk=release.pk)))


@router.get(
    "/releases/{version}",
    response={200: ReleaseAnswer, REFUSED: Refused},
    operation_id="show_release",
    summary="Show a release",
)
def show(request: HttpRequest, version: str) -> ReleaseAnswer:
    """One release by its version."""
    row = _rows().filter(version=version).first()
    if row is None:
        raise NotFound("release_unknown", version=version)
    return say_release(row)
