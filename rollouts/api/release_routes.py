"""Routes of releases: a pipeline registers one with its image in one call, and may ask twice."""

from datetime import datetime
from typing import Annotated, Literal

from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from ninja import Router, Status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import NotFound
from flags.rest import REFUSED, ROWS, Answer, Cursor, Limit, Reason, Refused, Wish, caller_of, cut_page
from recovery.migration_queries import list_migrations
from recovery.transitions.migrating import (
    MOST_MIGRATIONS,
    MOST_NAME_CHARACTERS,
    MOST_REVERSAL_CHARACTERS,
    Declared,
    declare_migrations,
)
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
MIGRATION: JsonDict = {"name": "0003_payments", "going_back": "lossy", "by_hand": "migrate 0002_closings"}
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


class MigrationWish(Wish):
    """A migration of a release, and how it is gone back behind."""

    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS)
    going_back: Literal["", "clean", "lossy", "irreversible"] = Field("", description="As its authors say")
    by_hand: str = Field("", max_length=MOST_REVERSAL_CHARACTERS, description="How, in words")


class MigrationsWish(Wish):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"migrations": [MIGRATION], "reason": "Built from main, run 4711"}]}
    )

    migrations: list[MigrationWish] = Field(max_length=MOST_MIGRATIONS, description="All of them, in their order")
    reason: Reason


class MigrationAnswer(Answer):
    model_config = ConfigDict(json_schema_extra={"examples": [MIGRATION | {"tried": "lossy", "tried_at": None}]})

    name: str
    going_back: str
    by_hand: str
    tried: str = Field(description="As the last rehearsal found; empty where there was none")
    tried_at: datetime | None


class MigrationsAnswer(Answer):
    migrations: list[MigrationAnswer]


def say_migrations(version: str) -> MigrationsAnswer:
    """Return the migrations of a release, in their order."""
    rows = [row.migration for row in list_migrations(version)]
    return MigrationsAnswer(
        migrations=[
            MigrationAnswer(
                name=row.name,
                going_back=row.declared,
                by_hand=row.reversal,
                tried=row.found,
                tried_at=row.rehearsed_at,
            )
            for row in rows
        ]
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


@router.get(
    "/releases/{version}/migrations",
    response={200: MigrationsAnswer, REFUSED: Refused},
    operation_id="list_migrations",
    summary="List a release's migrations",
)
def list_of(request: HttpRequest, version: str) -> MigrationsAnswer:
    """How each migration of a release is gone back behind: as said, and as tried on a copy."""
    _check_known(version)
    return say_migrations(version)


@router.post(
    "/releases/{version}/migrations",
    response={200: MigrationsAnswer, REFUSED: Refused},
    operation_id="describe_migrations",
    summary="Describe a release's migrations",
)
def describe(request: HttpRequest, version: str, wish: MigrationsWish) -> MigrationsAnswer:
    """The whole list; the same list again changes nothing. What a rehearsal has found stays."""
    _check_known(version)
    declare_migrations(
        version=version,
        migrations=[Declared(one.name, one.going_back, one.by_hand) for one in wish.migrations],
        actor=caller_of(request).actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return say_migrations(version)


def _check_known(version: str) -> None:
    if not Release.objects.filter(version=version).exists():
        raise NotFound("release_unknown", version=version)
