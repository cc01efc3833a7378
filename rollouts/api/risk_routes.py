"""Routes of the risk register: read, written and rated by programs; reviewed for a plan by people alone."""

from datetime import date
from typing import Annotated

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from ninja import Query, Router, Status
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import InvalidInput, NotFound
from core.fields import FIRST_DAY, LAST_DAY
from core.models import User
from flags.models import Flag
from flags.rest import MOST_ID, REFUSED, ROWS, Answer, Cursor, Limit, Reason, Refused, Wish, caller_of, cut_page
from rollouts.domain.risks import HIGHEST, LOWEST, RiskCategory, RiskLevel, RiskState
from rollouts.models import Release, Risk
from rollouts.models.risks import LONGEST_TITLE
from rollouts.risk_queries import ANY_STATE, Wanted, filter_risks
from rollouts.transitions.keeping_risks import MAX_WORDS_CHARACTERS, RiskWords, create_risk, rate_risk

router = Router(tags=["Risks"])
RISK = "/risks/{int:risk_id}"
MOST_LINKS = 200
WORDS: JsonDict = {
    "title": "Prices are read from a cache that nobody empties",
    "description": "The cache knows no end of a day.",
    "category": "integration",
    "likelihood": 3,
    "impact": 4,
    "mitigation": "- Empty it with each deployment",
    "owner": "nadia",
    "review_on": "2027-01-15",
    "releases": ["1.3.0"],
    "flags": ["price_buttons"],
}
EXAMPLE: JsonDict = WORDS | {
    "id": 9,
    "level": "medium",
    "state": "open",
    "url": "https://portal.example.org/rollouts/risks/9/",
}
RATING: JsonDict = {"likelihood": 4, "impact": 4, "reason": "It came true in staging"}
Grade = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
Key = Annotated[str, Field(min_length=1, max_length=100)]
#: As the forms take it: a day beyond could not be saved there again.
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


class RiskAnswer(Answer):
    """What may go wrong; it is the same in every environment."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    title: str
    description: str
    category: RiskCategory
    likelihood: int
    impact: int
    level: RiskLevel = Field(description="By likelihood times impact: low below 5, high from 15 on")
    mitigation: str = Field(description="Markdown")
    owner: str | None = Field(description="A person's user name")
    state: RiskState
    review_on: date | None = Field(description="To be looked at again on this day")
    releases: list[str]
    flags: list[str] = Field(description="Without a release and a flag it is a risk of every rollout")
    url: str


class RiskPage(Answer):
    items: list[RiskAnswer]
    next: int | None = Field(None, description="Cursor of the next page; null on the last")


class RiskWish(Wish):
    """A risk as a program knows it."""

    model_config = ConfigDict(json_schema_extra={"examples": [WORDS | {"reason": "Found by the audit of caches"}]})

    title: str = Field(min_length=1, max_length=LONGEST_TITLE)
    category: RiskCategory
    likelihood: Grade
    impact: Grade
    reason: Reason
    description: str = Field("", max_length=MAX_WORDS_CHARACTERS)
    mitigation: str = Field("", max_length=MAX_WORDS_CHARACTERS, description="Markdown")
    owner: str | None = Field(None, max_length=150, description="The user name of somebody who handles incidents")
    review_on: Day | None = None
    releases: list[Key] = Field([], max_length=MOST_LINKS, description="Versions")
    flags: list[Key] = Field([], max_length=MOST_LINKS, description="Keys")


class RatingWish(Wish):
    """How likely and how grave it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [RATING]})

    likelihood: Grade
    impact: Grade
    reason: Reason
    review_on: Day | None = Field(None, description="Where it is not given, the day that is set stays")


CategoryFilter = Annotated[RiskCategory | None, Query(description="Only those of this category")]
StateFilter = Annotated[RiskState | None, Query(description="Only those in this state")]


@router.get("/risks", response={200: RiskPage, REFUSED: Refused}, operation_id="list_risks", summary="List risks")
def list_all(
    request: HttpRequest,
    category: CategoryFilter = None,
    state: StateFilter = None,
    limit: Limit = ROWS,
    cursor: Cursor = None,
) -> RiskPage:
    """Risks of the register in every state, newest first."""
    rows = filter_risks(Wanted(category=category or "", state=state or ANY_STATE))
    found, following = cut_page(_with_links(rows), limit=limit, cursor=cursor)
    return RiskPage(items=[_say(row) for row in found], next=following)


@router.get(RISK, response={200: RiskAnswer, REFUSED: Refused}, operation_id="show_risk", summary="Show a risk")
def show(request: HttpRequest, risk_id: int) -> RiskAnswer:
    """One risk with its present rating."""
    return _say(_get(risk_id))


@router.post(
    "/risks", response={201: RiskAnswer, REFUSED: Refused}, operation_id="create_risk", summary="Write a risk down"
)
def create(request: HttpRequest, wish: RiskWish) -> Status[RiskAnswer]:
    """A new open risk. Each call makes one: ask for what is there before."""
    owner = _get_owner(wish.owner) if wish.owner else None
    risk = create_risk(
        words=RiskWords(
            title=wish.title,
            category=wish.category,
            description=wish.description,
            mitigation=wish.mitigation,
            owner_id=owner.pk if owner else None,
            review_on=wish.review_on,
            release_ids=_find_releases(wish.releases),
            flag_ids=_find_flags(wish.flags),
        ),
        likelihood=wish.likelihood,
        impact=wish.impact,
        actor=caller_of(request).actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return Status(201, _say(_get(risk.pk)))


@router.post(
    f"{RISK}/rate", response={200: RiskAnswer, REFUSED: Refused}, operation_id="rate_risk", summary="Rate a risk anew"
)
def rate(request: HttpRequest, risk_id: int, wish: RatingWish) -> RiskAnswer:
    """Change likelihood and impact of an open risk. Plans that reviewed it as it was have to look at it again."""
    _get(risk_id)
    rate_risk(
        risk_id=risk_id,
        likelihood=wish.likelihood,
        impact=wish.impact,
        review_on=wish.review_on,
        actor=caller_of(request).actor,
        reason=wish.reason,
        now=clock.now(),
    )
    return _say(_get(risk_id))


def _get_owner(username: str) -> User:
    owner = User.objects.filter(username=username).first()
    if owner is None:
        raise InvalidInput("owner_unfit")
    return owner


def _find_releases(versions: list[str]) -> list[int]:
    known = dict(Release.objects.filter(version__in=versions).values_list("version", "pk"))
    for version in versions:
        if version not in known:
            raise InvalidInput("release_unknown", version=version)
    return list(known.values())


def _find_flags(keys: list[str]) -> list[int]:
    known = dict(Flag.objects.filter(key__in=keys, archived_at=None).values_list("key", "pk"))
    for key in keys:
        if key not in known:
            raise InvalidInput("release_flag_unknown", flag=key)
    return list(known.values())


def _with_links(rows: QuerySet[Risk]) -> QuerySet[Risk]:
    return rows.select_related("owner").prefetch_related("risk_releases__release", "risk_flags__flag")


def _get(risk_id: int) -> Risk:
    row = _with_links(Risk.objects.all()).filter(pk=risk_id).first() if risk_id <= MOST_ID else None
    if row is None:
        raise NotFound("risk_unknown")
    return row


def _say(row: Risk) -> RiskAnswer:
    return RiskAnswer(
        id=row.pk,
        title=row.title,
        description=row.description,
        category=RiskCategory(row.category),
        likelihood=row.likelihood,
        impact=row.impact,
        level=row.level,
        mitigation=row.mitigation,
        owner=row.owner.username if row.owner else None,
        state=RiskState(row.state),
        review_on=row.review_on,
        releases=[one.release.version for one in row.risk_releases.all()],
        flags=[one.flag.key for one in row.risk_flags.all()],
        url=settings.PUBLIC_URL + reverse("rollouts:risk", args=[row.pk]),
    )
