"""Routes of post-mortems: read, publish what a person approved, close the incident. Approving is none of them."""

from datetime import date, datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import NotFound
from core.versions import get_version
from flags.rest import MOST_ID, REFUSED, Answer, Caller, Reason, Refused, Wish, caller_of
from incidents.learning_queries import (
    asks_for_post_mortem,
    find_post_mortem_due,
    list_closing_gaps,
    list_publishing_gaps,
)
from incidents.models import Incident
from incidents.transitions import close_incident, publish_post_mortem

router = Router(tags=["Post-mortems"])
INCIDENT = "/incidents/{int:incident_id}"
WISH: JsonDict = {"reason": "Approved this morning"}
EXAMPLE: JsonDict = {
    "incident": 7,
    "incident_status": "resolved",
    "status": "approved",
    "visibility": "internal",
    "is_asked": True,
    "due_on": "2026-11-27",
    "publishing_gaps": [],
    "closing_gaps": ["not_published"],
    "root_cause": "Totals were rounded twice",
    "impact": "Twelve sales",
    "detection": "A cashier called",
    "went_well": "Off within a minute",
    "went_badly": "Nobody watched the totals",
    "lucky": "A quiet hour",
    "documentation_updates": "The page on prices",
    "public_title": "",
    "public_text": "",
    "public_path": None,
    "approved_at": "2026-11-24T09:12:00Z",
    "published_at": None,
    "version": 42,
    "measures": [],
}


class MeasureAnswer(Answer):
    """A measure, without who owns it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": 3, "kind": "preventive", "title": "Test the rounding", "due_on": "2026-12-01", "status": "open"}
            ]
        }
    )

    id: int
    kind: str
    title: str
    due_on: date
    status: str


class PostMortemAnswer(Answer):
    """What was learnt, what is missing before it is published, and before the incident is closed."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    incident: int
    incident_status: str
    status: str
    visibility: str
    is_asked: bool = Field(description="Whether the incident closes only once this is published")
    due_on: date | None
    publishing_gaps: list[str]
    closing_gaps: list[str]
    root_cause: str
    impact: str
    detection: str
    went_well: str
    went_badly: str
    lucky: str
    documentation_updates: str
    public_title: str
    public_text: str
    public_path: str | None = Field(description="Where everybody reads it; null where nobody does")
    approved_at: datetime | None
    published_at: datetime | None
    version: int = Field(
        description="To be sent back as `seen` with a write, so that what you saw is what is published"
    )
    measures: list[MeasureAnswer]


class PublishBody(Wish):
    """Why, and the version that the caller saw."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH | {"seen": 42}]})

    reason: Reason
    seen: int | None = Field(
        None, ge=1, le=MOST_ID, description="The version you saw; refused with `changed_meanwhile` where it is another"
    )


class CloseBody(Wish):
    """Why it is over."""

    model_config = ConfigDict(json_schema_extra={"examples": [WISH]})

    reason: Reason


def _get_own(caller: Caller, incident_id: int) -> Incident:
    rows = Incident.objects.select_related("post_mortem", "environment").filter(environment=caller.environment)
    incident = rows.filter(pk=incident_id).first() if incident_id <= MOST_ID else None
    if incident is None:
        raise NotFound("incident_unknown")
    return incident


def _say(incident: Incident) -> PostMortemAnswer:
    post_mortem = incident.post_mortem
    items = post_mortem.action_items.all()
    is_public = post_mortem.status == "published" and post_mortem.visibility == "public"
    return PostMortemAnswer(
        incident=incident.pk,
        incident_status=incident.status,
        status=post_mortem.status,
        visibility=post_mortem.visibility,
        is_asked=asks_for_post_mortem(incident, post_mortem),
        due_on=find_post_mortem_due(incident, post_mortem),
        publishing_gaps=list_publishing_gaps(incident, post_mortem),
        closing_gaps=list_closing_gaps(incident, post_mortem),
        root_cause=post_mortem.root_cause,
        impact=post_mortem.impact,
        detection=post_mortem.detection,
        went_well=post_mortem.went_well,
        went_badly=post_mortem.went_badly,
        lucky=post_mortem.lucky,
        documentation_updates=post_mortem.documentation_updates,
        public_title=post_mortem.public_title,
        public_text=post_mortem.public_text,
        public_path=f"/post-mortems/{post_mortem.slug}/" if is_public else None,
        approved_at=post_mortem.approved_at,
        published_at=post_mortem.published_at,
        version=get_version(post_mortem),
        measures=[
            MeasureAnswer(id=one.pk, kind=one.kind, title=one.title, due_on=one.due_on, status=one.status)
            for one in items
        ],
    )


@router.get(
    f"{INCIDENT}/post-mortem",
    response={200: PostMortemAnswer, REFUSED: Refused},
    operation_id="get_post_mortem",
    summary="Read a post-mortem",
)
def read(request: HttpRequest, incident_id: int) -> PostMortemAnswer:
    """Of an incident of the token's environment, with the codes of everything that is missing."""
    return _say(_get_own(caller_of(request), incident_id))


@router.post(
    f"{INCIDENT}/post-mortem/publish",
    response={200: PostMortemAnswer, REFUSED: Refused},
    operation_id="publish_post_mortem",
    summary="Publish a post-mortem",
)
def publish(request: HttpRequest, incident_id: int, wish: PublishBody) -> PostMortemAnswer:
    """Publish what a person approved; 409 `post_mortem_incomplete` names in `gaps` everything that is missing."""
    caller = caller_of(request)
    _get_own(caller, incident_id)
    publish_post_mortem(
        incident_id=incident_id, actor=caller.actor, reason=wish.reason, now=clock.now(), seen=wish.seen
    )
    return _say(_get_own(caller, incident_id))


@router.post(
    f"{INCIDENT}/close",
    response={200: PostMortemAnswer, REFUSED: Refused},
    operation_id="close_incident",
    summary="Close an incident",
)
def close(request: HttpRequest, incident_id: int, wish: CloseBody) -> PostMortemAnswer:
    """Close what is restored and learnt from; 409 `post_mortem_incomplete` names in `gaps` everything missing."""
    caller = caller_of(request)
    _get_own(caller, incident_id)
    close_incident(incident_id=incident_id, actor=caller.actor, reason=wish.reason, now=clock.now())
    return _say(_get_own(caller, incident_id))
