"""Routes of the notices in the tills: read, shown, put right and taken away by programs."""

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router, Status
from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import InvalidInput, NotFound
from flags.models import Flag, Site
from flags.rest import MOST_ID, REFUSED, ROWS, Answer, Caller, Cursor, Limit, Reason, Refused, Wish, caller_of, cut_page
from notices.domain.levels import Level, Standing
from notices.models import Notice
from notices.models.notices import LONGEST_HOTLINE, LONGEST_TEXT, LONGEST_TITLE
from notices.queries import list_standing, with_links
from notices.transitions import NoticeWish, correct_notice, show_notice, take_notice_away

router = Router(tags=["Notices"])
NOTICE = "/notices/{int:notice_id}"
#: Before a program's name for a wish: an announcement has another one.
FROM_API = "api:"
MOST_LINKS = 1_000
WORDS: JsonDict = {
    "level": "warning",
    "title_fr": "Les prix sont faux",
    "text_fr": "Vérifiez chaque prix avant de valider.",
    "title_en": "Prices are wrong",
    "text_en": "Check each price before you validate.",
    "hotline": "01 23 45 67 89",
    "next_update_at": "2026-11-24T10:00:00Z",
    "starts_at": "2026-11-24T09:12:00Z",
    "ends_at": None,
    "sites": ["lyon"],
    "flags": [],
}
STORED: JsonDict = WORDS | {
    "id": 7,
    "standing": "current",
    "source": "announcement:12",
    "superseded_by": None,
    "taken_away_at": None,
    "url": "https://portal.example.org/notices/7/",
}
Key = Annotated[str, Field(min_length=1, max_length=100)]
Title = Annotated[str, Field(max_length=LONGEST_TITLE)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]


class NoticeAnswer(Answer):
    """What tills tell their cashiers; a language in which it is not said is empty."""

    model_config = ConfigDict(json_schema_extra={"examples": [STORED]})

    id: int
    standing: Standing
    level: Level
    title_fr: str
    text_fr: str
    title_en: str
    text_en: str
    hotline: str
    next_update_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null: until somebody takes it away")
    sites: list[str] = Field(description="None: every site")
    flags: list[str] = Field(description="Only at tills that have one of them, or have just lost it; none: every till")
    source: str
    superseded_by: int | None = Field(description="The number of the notice that puts this one right")
    taken_away_at: datetime | None
    url: str


class NoticePage(Answer):
    items: list[NoticeAnswer]
    next: int | None = Field(None, description="Cursor of the next page; null on the last")


class NoticeWords(Wish):
    """What a notice says, where, and from when to when."""

    model_config = ConfigDict(json_schema_extra={"examples": [WORDS | {"reason": "Wrong prices since six"}]})

    level: Level
    reason: Reason
    title_fr: Title = ""
    text_fr: Text = ""
    title_en: Title = ""
    text_en: Text = ""
    hotline: str = Field("", max_length=LONGEST_HOTLINE)
    next_update_at: AwareDatetime | None = None
    starts_at: AwareDatetime | None = Field(None, description="Null: at once")
    ends_at: AwareDatetime | None = Field(None, description="Null: until it is taken away")
    sites: list[Key] = Field([], max_length=MOST_LINKS, description="Keys; none: every site")
    flags: list[Key] = Field([], max_length=MOST_LINKS, description="Keys; none: every till")


class ShowWish(NoticeWords):
    """A notice to show."""

    request_id: str = Field(
        "", max_length=100, description="Your own name for this wish: asked again while it stands, it is shown once"
    )


class TakeAwayWish(Wish):
    """Why it is shown no more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Prices are right again"}]})

    reason: Reason


StandsFilter = Annotated[bool | None, Query(description="Only those that stand or are to come; false: only the others")]


@router.get(
    "/notices", response={200: NoticePage, REFUSED: Refused}, operation_id="list_notices", summary="List notices"
)
def list_all(
    request: HttpRequest, stands: StandsFilter = None, limit: Limit = ROWS, cursor: Cursor = None
) -> NoticePage:
    """Notices in the tills of the token's environment, newest first."""
    rows = _rows(caller_of(request))
    if stands is not None:
        here = Q(pk__in=list_standing(clock.now()).values("pk"))
        rows = rows.filter(here if stands else ~here)
    found, following = cut_page(rows, limit=limit, cursor=cursor)
    return NoticePage(items=[_say(row) for row in found], next=following)


@router.get(NOTICE, response={200: NoticeAnswer, REFUSED: Refused}, operation_id="show_notice", summary="Show a notice")
def show(request: HttpRequest, notice_id: int) -> NoticeAnswer:
    """One notice with what became of it."""
    return _say(_get_own(caller_of(request), notice_id))


@router.post(
    "/notices", response={201: NoticeAnswer, REFUSED: Refused}, operation_id="tell_tills", summary="Tell the tills"
)
def create(request: HttpRequest, wish: ShowWish) -> Status[NoticeAnswer]:
    """Show a notice in the tills of the token's environment, which have it within seconds."""
    caller = caller_of(request)
    notice = show_notice(
        environment_id=caller.environment.pk,
        wish=_read(wish),
        source=f"{FROM_API}{wish.request_id}" if wish.request_id else "",
        actor=caller.actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return Status(201, _say(_get_own(caller, notice.pk)))


@router.post(
    f"{NOTICE}/correct",
    response={201: NoticeAnswer, REFUSED: Refused},
    operation_id="correct_notice",
    summary="Put a notice right",
)
def correct(request: HttpRequest, notice_id: int, wish: NoticeWords) -> Status[NoticeAnswer]:
    """Put another in the place of one that stands or is to come; the other is answered."""
    caller = caller_of(request)
    _get_own(caller, notice_id)
    said: dict[str, Any] = {"actor": caller.actor, "reason": wish.reason, "now": clock.now()}
    notice = correct_notice(notice_id=notice_id, wish=_read(wish), **said)
    return Status(201, _say(_get_own(caller, notice.pk)))


@router.post(
    f"{NOTICE}/take-away",
    response={200: NoticeAnswer, REFUSED: Refused},
    operation_id="take_notice_away",
    summary="Take a notice away",
)
def take_away(request: HttpRequest, notice_id: int, wish: TakeAwayWish) -> NoticeAnswer:
    """The tills show it no more."""
    caller = caller_of(request)
    _get_own(caller, notice_id)
    take_notice_away(notice_id=notice_id, actor=caller.actor, reason=wish.reason, now=clock.now())
    return _say(_get_own(caller, notice_id))


def _read(wish: NoticeWords) -> NoticeWish:
    words = wish.model_dump(exclude={"reason", "request_id", "sites", "flags", "level"})
    return NoticeWish(
        level=str(wish.level), site_ids=_find_sites(wish.sites), flag_ids=_find_flags(wish.flags), **words
    )


def _find_sites(keys: list[str]) -> list[int]:
    known = dict(Site.objects.filter(key__in=keys).values_list("key", "pk"))
    for key in keys:
        if key not in known:
            raise InvalidInput("site_unknown", site=key)
    return list(known.values())


def _find_flags(keys: list[str]) -> list[int]:
    known = dict(Flag.objects.filter(key__in=keys).values_list("key", "pk"))
    for key in keys:
        if key not in known:
            raise InvalidInput("flag_unknown", flag=key)
    return list(known.values())


def _rows(caller: Caller) -> QuerySet[Notice]:
    return with_links(Notice.objects.filter(environment=caller.environment))


def _get_own(caller: Caller, notice_id: int) -> Notice:
    """Return a notice of the token's environment; any other is not there."""
    row = _rows(caller).filter(pk=notice_id).first() if notice_id <= MOST_ID else None
    if row is None:
        raise NotFound("notice_unknown", notice=notice_id)
    return row


def _say(row: Notice) -> NoticeAnswer:
    same = ("title_fr", "text_fr", "title_en", "text_en", "hotline", "source")
    moments = ("next_update_at", "starts_at", "ends_at", "taken_away_at")
    return NoticeAnswer(
        id=row.pk,
        standing=row.find_standing(clock.now()),
        level=Level(row.level),
        sites=[one.site.key for one in row.notice_sites.all()],
        flags=[one.flag.key for one in row.notice_flags.all()],
        superseded_by=row.superseded_by_id,
        url=settings.PUBLIC_URL + reverse("notices:detail", args=[row.pk]),
        **{name: getattr(row, name) for name in (*same, *moments)},
    )
