"""Routes of announcements, for pipelines and on-call tools: a draft is written, published, read again."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from announcements.audience_queries import announcement_url
from announcements.domain.kinds import Kind
from announcements.domain.lifecycle import Places
from announcements.domain.lifecycle import Status as State
from announcements.models import LONGEST_BODY, LONGEST_TITLE, Announcement
from announcements.previewing import Preview, preview_announcement
from announcements.tasks import drive_outlets
from announcements.transitions import Content, create_draft, publish_announcement, schedule_announcement
from announcements.transitions.drafting import LONGEST_REASON
from announcements.transitions.locking import with_subjects
from core import clock
from core.errors import InvalidInput, NotFound
from flags.models import Flag
from flags.rest import (
    MOST_ID,
    REFUSED,
    ROWS,
    Answer,
    Caller,
    Cursor,
    Limit,
    Reason,
    Refused,
    Wish,
    caller_of,
    cut_page,
)
from rollouts.domain.approving import hash_content

router = Router(tags=["Announcements"])
ANNOUNCEMENT = "/announcements/{int:announcement_id}"
Key = Annotated[str, Field(min_length=1, max_length=100)]
Number = Annotated[int, Field(ge=1, le=MOST_ID)]


def _read_moment(value: datetime) -> datetime:
    """Return a moment in UTC: PostgreSQL takes no offset of 16 hours and more, Python does."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of reach") from None


Moment = Annotated[AwareDatetime, AfterValidator(_read_moment)]
EXAMPLE: JsonDict = {
    "kind": "release_planned",
    "rollout": 12,
    "title_fr": "La version {release} arrive en caisse",
    "body_fr": "À partir du {starts}. Une question ? Appelez le {hotline}.",
    "title_en": "Release {release} is coming to the tills",
    "body_en": "From {starts} on. A question? Call {hotline}.",
    "outlets": ["people"],
    "roles": ["support"],
    "reason": "Planned by the pipeline",
}
STORED: JsonDict = {
    "id": 7,
    "kind": "release_planned",
    "status": "published",
    "rollout": 12,
    "incident": None,
    "follows": None,
    "title_fr": "La version 1.3.0 arrive en caisse",
    "body_fr": "À partir du lun. 30 nov., 06:00.",
    "title_en": "Release 1.3.0 is coming to the tills",
    "body_en": "From Mon 30 Nov, 06:00 on.",
    "outlets": [{"outlet": "people", "status": "done", "reached": 14}],
    "roles": ["support"],
    "places": "everywhere",
    "sites": [],
    "flag": None,
    "next_update_at": None,
    "publish_at": None,
    "version": 1,
    "readers": None,
    "url": "https://portal.example.org/announcements/7/",
}


class OutletAnswer(Answer):
    outlet: str
    status: str = Field(description="`pending`, `done`, `failed` or `dropped`; empty before it is said")
    reached: int


class AnnouncementAnswer(Answer):
    """An announcement; its words as they were said last, with open places before."""

    model_config = ConfigDict(json_schema_extra={"examples": [STORED]})

    id: int
    kind: str
    status: str
    rollout: int | None
    incident: int | None
    follows: int | None
    title_fr: str
    body_fr: str
    title_en: str
    body_en: str
    outlets: list[OutletAnswer]
    roles: list[str]
    places: str
    sites: list[str]
    flag: str | None
    next_update_at: datetime | None
    publish_at: datetime | None
    version: int = Field(description="How often it was said; 0 before the first time")
    readers: int | None = Field(description="Of a draft: how many people and tills would read it now")
    url: str


class AnnouncementPage(Answer):
    items: list[AnnouncementAnswer]
    next: int | None


class DraftWish(Wish):
    """What is said, of what, by which outlets, to whom. Words may name places (`{release}`)."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    kind: Kind
    reason: Reason
    title_fr: str = Field("", max_length=LONGEST_TITLE)
    body_fr: str = Field("", max_length=LONGEST_BODY)
    title_en: str = Field("", max_length=LONGEST_TITLE)
    body_en: str = Field("", max_length=LONGEST_BODY)
    one_language_reason: str = Field("", max_length=LONGEST_REASON)
    outlets: list[Key] = Field(["people"], max_length=20)
    roles: list[Literal["release manager", "support", "auditor", "admin"]] = Field([], max_length=4)
    places: Places = Places.EVERYWHERE
    sites: list[Key] = Field([], max_length=1_000)
    flag: Key | None = None
    rollout: Number | None = None
    incident: Number | None = None
    follows: Number | None = Field(None, description="The announcement that this one says more about")
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    next_update_at: Moment | None = None
    request_id: str = Field("", max_length=100, description="Your own name for this wish: asked again, written once")


class PublishWish(Wish):
    """Why; and the number of readers where many are told."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The release is planned", "confirmed": 214}]})

    reason: Reason
    confirmed: int | None = Field(
        None,
        ge=0,
        le=2**31,
        description="`readers` as you saw it: asked for from 25 on, refused where it is another",
    )
    publish_at: Moment | None = Field(None, description="Not now, but at this moment")


StateFilter = Annotated[State | None, Query(description="Only those in this state")]


@router.get(
    "/announcements",
    response={200: AnnouncementPage, REFUSED: Refused},
    operation_id="list_announcements",
    summary="List announcements",
)
def list_all(
    request: HttpRequest, status: StateFilter = None, limit: Limit = ROWS, cursor: Cursor = None
) -> AnnouncementPage:
    """Announcements of the token's environment, newest first."""
    rows = _rows(caller_of(request))
    found, following = cut_page(rows.filter(status=status) if status else rows, limit=limit, cursor=cursor)
    return AnnouncementPage(items=[_say(row) for row in found], next=following)


@router.post(
    "/announcements",
    response={201: AnnouncementAnswer, REFUSED: Refused},
    operation_id="draft_announcement",
    summary="Write a draft",
)
def draft(request: HttpRequest, wish: DraftWish) -> Status[AnnouncementAnswer]:
    """Nobody is told before it is published."""
    caller = caller_of(request)
    asked = wish.model_dump(mode="json", exclude={"request_id"})
    given = wish.model_dump(exclude={"request_id", "reason", "sites", "flag", "rollout", "incident", "follows"})
    row = create_draft(
        content=Content(
            **given,
            site_keys=wish.sites,
            flag_id=_find_flag(wish.flag),
            rollout_id=wish.rollout,
            incident_id=wish.incident,
            follows_id=wish.follows,
        ),
        environment_id=caller.environment.pk,
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
        request_id=wish.request_id,
        request_hash=hash_content(asked) if wish.request_id else "",
    )
    return Status(201, _say_one(_get_own(caller, row.pk)))


@router.get(
    ANNOUNCEMENT,
    response={200: AnnouncementAnswer, REFUSED: Refused},
    operation_id="show_announcement",
    summary="Show an announcement",
)
def show(request: HttpRequest, announcement_id: int) -> AnnouncementAnswer:
    """One announcement; of a draft with how many would read it."""
    return _say_one(_get_own(caller_of(request), announcement_id))


@router.post(
    f"{ANNOUNCEMENT}/publish",
    response={200: AnnouncementAnswer, REFUSED: Refused},
    operation_id="publish_announcement",
    summary="Publish, or schedule",
)
def publish(request: HttpRequest, announcement_id: int, wish: PublishWish) -> AnnouncementAnswer:
    """A public word about an incident is a person's: an announcement with that outlet is refused."""
    caller = caller_of(request)
    row, now = _get_own(caller, announcement_id), clock.now()
    if wish.publish_at is None:
        publish_announcement(
            announcement_id=row.pk, actor=caller.actor, reason=wish.reason, confirmed=wish.confirmed, now=now
        )
        drive_outlets(row.pk)
    else:
        schedule_announcement(
            announcement_id=row.pk,
            publish_at=wish.publish_at,
            actor=caller.actor,
            reason=wish.reason,
            confirmed=wish.confirmed,
            now=now,
        )
    return _say_one(_get_own(caller, row.pk))


def _find_flag(key: str | None) -> int | None:
    if key is None:
        return None
    flag = Flag.objects.filter(key=key).first()
    if flag is None:
        raise InvalidInput("announcement_flag_missing")
    return flag.pk


def _rows(caller: Caller) -> QuerySet[Announcement]:
    rows = with_subjects(Announcement.objects.filter(environment=caller.environment))
    return rows.prefetch_related("versions__runs")


def _get_own(caller: Caller, announcement_id: int) -> Announcement:
    """Return an announcement of the token's environment; any other is not there."""
    found = _rows(caller).filter(pk=announcement_id).first() if announcement_id <= MOST_ID else None
    if found is None:
        raise NotFound("announcement_unknown")
    return found


def _say_one(row: Announcement) -> AnnouncementAnswer:
    """Return one with how many would read it, as long as nobody does."""
    is_waiting = row.status in {State.DRAFT, State.SCHEDULED}
    shown: Preview | None = preview_announcement(row, by_id=None, now=clock.now()) if is_waiting else None
    return _say(row, readers=shown.readers if shown else None)


def _say(row: Announcement, *, readers: int | None = None) -> AnnouncementAnswer:
    version = next(iter(sorted(row.versions.all(), key=lambda one: -one.number)), None)
    words = version or row
    runs = {run.outlet: run for run in version.runs.all()} if version else {}
    outlets = [
        OutletAnswer(outlet=key, status=runs[key].status, reached=runs[key].reached)
        if key in runs
        else OutletAnswer(outlet=key, status="", reached=0)
        for key in row.outlets
    ]
    return AnnouncementAnswer(
        id=row.pk,
        kind=row.kind,
        status=row.status,
        rollout=row.rollout_id,
        incident=row.incident_id,
        follows=row.follows_id,
        title_fr=words.title_fr,
        body_fr=words.body_fr,
        title_en=words.title_en,
        body_en=words.body_en,
        outlets=outlets,
        roles=row.roles,
        places=row.places,
        sites=row.site_keys,
        flag=row.flag.key if row.flag else None,
        next_update_at=row.next_update_at,
        publish_at=row.publish_at,
        version=version.number if version else 0,
        readers=readers,
        url=settings.PUBLIC_URL + announcement_url(row.pk),
    )
