"""The route of the search over incidents, post-mortems and complaints."""

from datetime import date, datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core.clock import get_zone
from core.domain.business_time import begin_of, end_of
from core.domain.search_terms import MOST_CHARACTERS
from core.errors import InvalidInput
from flags.models import Site
from flags.rest import REFUSED, Answer, Refused, caller_of
from incidents.domain.searching import Kind, Part
from incidents.domain.tiers import Tier
from incidents.search_queries import PAGE_SIZE, Shown, Wish, search_records

router = Router(tags=["Incidents"])
MOST_ROWS, MOST_PAGES = 50, 200
FOUND: JsonDict = {
    "kind": "incident",
    "number": 7,
    "title": "The tills of Lyon are black",
    "part": "note",
    "excerpt": "The printer of the second till is out of paper",
    "found": ["printer"],
    "at": "2026-11-24T09:12:00Z",
}


class FoundAnswer(Answer):
    """What was found: of a post-mortem `number` is its incident's. Plain text, as people wrote it."""

    model_config = ConfigDict(json_schema_extra={"examples": [FOUND]})

    kind: Kind
    number: int
    title: str | None = Field(description="Of the incident; null for a complaint")
    part: Part = Field(description="Where the words stand")
    excerpt: str
    found: list[str] = Field(description="Which words of title and excerpt were found")
    at: datetime


class CountAnswer(Answer):
    number: int
    is_more: bool = Field(description="There are at least so many")


class SearchAnswer(Answer):
    """A page of what fits, the best first. Nothing is found where `is_mute`: no word says anything by itself."""

    items: list[FoundAnswer]
    counts: dict[Kind, CountAnswer]
    is_mute: bool
    next: int | None = Field(description="`cursor` of the page after")


@router.get(
    "/search",
    response={200: SearchAnswer, REFUSED: Refused},
    operation_id="search",
    summary="Search incidents, post-mortems and complaints",
)
def search(
    request: HttpRequest,
    *,
    q: Annotated[str, Query(min_length=1, max_length=MOST_CHARACTERS, description="Words, “in a row”, -without, OR")],
    kind: Kind | None = None,
    site: Annotated[str | None, Query(max_length=100)] = None,
    tier: Tier | None = None,
    since: date | None = None,
    until: Annotated[date | None, Query(description="The last day, included; in the portal's zone")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="At most so many")] = PAGE_SIZE,
    cursor: Annotated[int | None, Query(ge=1, le=MOST_PAGES, description="`next` of the page before")] = None,
) -> SearchAnswer:
    """French and English at once, whatever accents and endings; of the token's environment."""
    environment, zone = caller_of(request).environment, get_zone()
    place = None if site is None else Site.objects.filter(key=site.replace("\x00", " ")).first()
    if site is not None and place is None:
        raise InvalidInput("site_unknown", site=site)
    wish = Wish(
        text=q,
        complaints_of=environment.pk,
        environment_id=environment.pk,
        site_id=None if place is None else place.pk,
        site_key=site,
        tier=tier,
        since=begin_of(since, zone=zone),
        until=end_of(until, zone=zone),
    )
    results = search_records(wish, kind=kind, page=cursor or 1, size=limit)
    return SearchAnswer(
        items=[_say(row) for row in results.rows],
        counts={kind: CountAnswer(number=one.number, is_more=one.is_more) for kind, one in results.counts.items()},
        is_mute=results.is_mute,
        next=results.page + 1 if results.has_more and results.page < MOST_PAGES else None,
    )


def _say(row: Shown) -> FoundAnswer:
    pieces = [*row.title, *row.excerpt]
    return FoundAnswer(
        kind=row.hit.kind,
        number=row.hit.owner,
        title=None if row.incident is None else row.incident.title,
        part=row.hit.spot.part,
        excerpt="".join(piece.text for piece in row.excerpt),
        found=sorted({piece.text for piece in pieces if piece.is_found}),
        at=row.hit.at,
    )
