"""Routes of incidents, for on-call tools and scripts: what persons do there is written down under the token's name."""

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from core import clock
from core.errors import InvalidInput, NotFound
from core.models import User
from core.reasons import write_reason
from core.roles import Capability, can
from flags.models import Flag, Site
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
from incidents.domain.lifecycle import Status as State
from incidents.domain.symptoms import Symptom, propose_tier
from incidents.domain.tiers import Tier
from incidents.models import Incident
from incidents.queries import read_clock
from incidents.transitions import (
    Part,
    add_note,
    assign_part,
    change_tier,
    confirm_restored,
    declare_incident,
    link_complaints,
    mitigate_incident,
)
from incidents.transitions.declaring import MAX_TITLE_CHARACTERS
from incidents.transitions.locking import MAX_TEXT_CHARACTERS
from rollouts.domain.approving import hash_content

router = Router(tags=["Incidents"])
INCIDENT = "/incidents/{int:incident_id}"
Key = Annotated[str, Field(min_length=1, max_length=100)]


def _read_moment(value: datetime) -> datetime:
    """Return a moment in UTC: PostgreSQL takes no offset of 16 hours and more, Python does."""
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of reach") from None


Moment = Annotated[AwareDatetime, AfterValidator(_read_moment)]
EXAMPLE: JsonDict = {"title": "The tills of Lyon are black", "flags": [], "sites": ["lyon"]}
STORED: JsonDict = {
    "id": 7,
    "title": "The tills of Lyon are black",
    "status": "open",
    "tier": "critical",
    "highest_tier": "critical",
    "flags": [],
    "sites": ["lyon"],
    "rollout": None,
    "is_rehearsal": False,
    "detected_at": "2026-11-24T09:12:00Z",
    "acknowledged_at": None,
    "commander": None,
    "communications": None,
    "mitigated_at": None,
    "restored_at": None,
    "deadline": "2026-11-24T10:12:00Z",
    "merged_into": None,
    "complaints": 3,
}


class IncidentAnswer(Answer):
    """An incident with its clock; people by their user names."""

    model_config = ConfigDict(json_schema_extra={"examples": [STORED]})

    id: int
    title: str
    status: str
    tier: str
    highest_tier: str
    flags: list[str]
    sites: list[str]
    rollout: int | None
    is_rehearsal: bool
    detected_at: datetime
    acknowledged_at: datetime | None
    commander: str | None
    communications: str | None
    mitigated_at: datetime | None
    restored_at: datetime | None
    deadline: datetime
    merged_into: int | None
    complaints: int


class IncidentPage(Answer):
    items: list[IncidentAnswer]
    next: int | None


class DeclareWish(Wish):
    """What is wrong; all but the title is optional. Without a tier the one that signs and words propose."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    title: str = Field(min_length=1, max_length=MAX_TITLE_CHARACTERS)
    tier: Tier | None = None
    symptoms: list[Symptom] = Field([], max_length=len(Symptom))
    note: str = Field("", max_length=2_000, description="What is known")
    flags: list[Key] = Field([], max_length=100)
    sites: list[Key] = Field([], max_length=1_000)
    complaints: list[Annotated[int, Field(ge=1, le=MOST_ID)]] = Field([], max_length=200)
    detected_at: Moment | None = Field(None, description="Since when, at most seven days ago; the clock runs from here")
    request_id: str = Field(
        "", max_length=100, description="Your own name for this wish: asked again, it is declared once"
    )


class ReasonWish(Wish):
    """Why, or what was seen."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The flag is off, tills sell again"}]})

    reason: Reason


class PersonWish(Wish):
    """Which person does it, by user name: a program commands nothing and verifies nothing."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"person": "support", "reason": "On call"}]})

    person: str = Field(min_length=1, max_length=150)
    reason: Reason


class NoteWish(Wish):
    """A line for the timeline, in Markdown."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The provider **confirms** an outage"}]})

    note: str = Field(min_length=1, max_length=MAX_TEXT_CHARACTERS)


class TierWish(Wish):
    """The tier it has from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tier": "critical", "reason": "A second site"}]})

    tier: Tier
    reason: Reason


class LinkWish(Wish):
    """Complaints of the same environment that belong to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"complaints": [2], "reason": "The same call"}]})

    complaints: list[Annotated[int, Field(ge=1, le=MOST_ID)]] = Field(min_length=1, max_length=200)
    reason: Reason


StateFilter = Annotated[State | None, Query(description="Only those in this state")]
TierFilter = Annotated[Tier | None, Query(description="Only those of this tier")]


@router.get(
    "/incidents",
    response={200: IncidentPage, REFUSED: Refused},
    operation_id="list_incidents",
    summary="List incidents",
)
def list_all(
    request: HttpRequest,
    status: StateFilter = None,
    tier: TierFilter = None,
    limit: Limit = ROWS,
    cursor: Cursor = None,
) -> IncidentPage:
    """Incidents of the token's environment, newest first; exercises and merged ones with them."""
    rows = _rows(caller_of(request))
    rows = rows.filter(status=status) if status else rows
    found, following = cut_page(rows.filter(tier=tier) if tier else rows, limit=limit, cursor=cursor)
    return IncidentPage(items=[_say(row) for row in found], next=following)


@router.post(
    "/incidents",
    response={201: IncidentAnswer, REFUSED: Refused},
    operation_id="declare_incident",
    summary="Declare an incident",
)
def declare(request: HttpRequest, wish: DeclareWish) -> Status[IncidentAnswer]:
    """Its clock runs from the moment it was detected, and people are told."""
    caller, now = caller_of(request), clock.now()
    asked = wish.model_dump(mode="json", exclude={"request_id"})
    incident = declare_incident(
        title=wish.title,
        tier=wish.tier or propose_tier(picked=wish.symptoms, text=f"{wish.title} {wish.note}").tier,
        environment=caller.environment,
        detected_at=wish.detected_at or now,
        actor=caller.actor,
        reason=wish.note.strip() or write_reason("declared_by_hand"),
        now=now,
        flag_keys=_check_keys(wish.flags, rows=Flag, code="flag"),
        site_keys=_check_keys(wish.sites, rows=Site, code="site"),
        complaint_ids=wish.complaints,
        request_id=wish.request_id,
        request_hash=hash_content(asked) if wish.request_id else "",
    )
    return Status(201, _say(_get_own(caller, incident.pk)))


@router.get(
    INCIDENT, response={200: IncidentAnswer, REFUSED: Refused}, operation_id="show_incident", summary="Show an incident"
)
def show(request: HttpRequest, incident_id: int) -> IncidentAnswer:
    """One incident with its clock."""
    return _say(_get_own(caller_of(request), incident_id))


@router.post(
    f"{INCIDENT}/acknowledge",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="acknowledge_incident",
    summary="Acknowledge: somebody commands it",
)
def acknowledge(request: HttpRequest, incident_id: int, wish: PersonWish) -> IncidentAnswer:
    """The person named commands it from now on, and is told."""
    _get_own(caller_of(request), incident_id)
    user = _get_person(wish.person)
    return _do(request, incident_id, wish.reason, assign_part, part=Part.COMMANDER, user_id=user.pk)


@router.post(
    f"{INCIDENT}/note",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="note_incident",
    summary="Add a note",
)
def note(request: HttpRequest, incident_id: int, wish: NoteWish) -> IncidentAnswer:
    """A line of the timeline, also of a closed one."""
    caller = caller_of(request)
    _get_own(caller, incident_id)
    add_note(incident_id=incident_id, note=wish.note, actor=caller.actor, now=clock.now())
    return _say(_get_own(caller, incident_id))


@router.post(
    f"{INCIDENT}/mitigate",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="mitigate_incident",
    summary="The harm has stopped",
)
def mitigate(request: HttpRequest, incident_id: int, wish: ReasonWish) -> IncidentAnswer:
    """The clock runs on until restoration is verified."""
    return _do(request, incident_id, wish.reason, mitigate_incident)


@router.post(
    f"{INCIDENT}/restore",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="restore_incident",
    summary="Restoration is verified",
)
def restore(request: HttpRequest, incident_id: int, wish: PersonWish) -> IncidentAnswer:
    """The person named has verified it: the clock stops."""
    _get_own(caller_of(request), incident_id)
    user = _get_person(wish.person)
    return _do(request, incident_id, wish.reason, confirm_restored, verified_by_id=user.pk)


@router.post(
    f"{INCIDENT}/tier",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="change_incident_tier",
    summary="Change the tier",
)
def tier(request: HttpRequest, incident_id: int, wish: TierWish) -> IncidentAnswer:
    """The highest tier reached counts for the clock."""
    return _do(request, incident_id, wish.reason, change_tier, tier=wish.tier)


@router.post(
    f"{INCIDENT}/complaints",
    response={200: IncidentAnswer, REFUSED: Refused},
    operation_id="link_complaints",
    summary="Link complaints",
)
def link(request: HttpRequest, incident_id: int, wish: LinkWish) -> IncidentAnswer:
    """Those that are linked already stay as they are."""
    return _do(request, incident_id, wish.reason, link_complaints, complaint_ids=wish.complaints)


def _do(request: HttpRequest, incident_id: int, reason: str, write: Any, **given: Any) -> IncidentAnswer:
    """Do a write on an incident of the token's environment; return it as it is then."""
    caller = caller_of(request)
    _get_own(caller, incident_id)
    write(incident_id=incident_id, actor=caller.actor, reason=reason, now=clock.now(), **given)
    return _say(_get_own(caller, incident_id))


def _rows(caller: Caller) -> Any:
    rows = Incident.objects.select_related("commander", "communications")
    return rows.prefetch_related("linked_complaints").filter(environment=caller.environment)


def _get_own(caller: Caller, incident_id: int) -> Incident:
    """Return an incident of the token's environment; any other is not there."""
    found: Incident | None = _rows(caller).filter(pk=incident_id).first() if incident_id <= MOST_ID else None
    if found is None:
        raise NotFound("incident_unknown")
    return found


def _get_person(name: str) -> User:
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None or not can(user, Capability.HANDLE_INCIDENTS):
        raise InvalidInput("person_unfit")
    return user


def _check_keys(keys: list[str], *, rows: type[Flag] | type[Site], code: str) -> list[str]:
    """Return the keys once each; refuse one that nobody knows."""
    known = set(rows.objects.filter(key__in=keys).values_list("key", flat=True))
    for key in keys:
        if key not in known and code == "flag":
            raise InvalidInput("flag_unknown", flag=key)
        if key not in known:
            raise InvalidInput("site_unknown", site=key)
    return list(dict.fromkeys(keys))


def _say(row: Incident) -> IncidentAnswer:
    now = clock.now()
    return IncidentAnswer(
        id=row.pk,
        title=row.title,
        status=row.status,
        tier=row.tier,
        highest_tier=row.highest_tier,
        flags=row.flag_keys,
        sites=row.site_keys,
        rollout=row.rollout_id,
        is_rehearsal=row.is_rehearsal,
        detected_at=row.detected_at,
        acknowledged_at=row.acknowledged_at,
        commander=row.commander.username if row.commander else None,
        communications=row.communications.username if row.communications else None,
        mitigated_at=row.mitigated_at,
        restored_at=row.restored_at,
        deadline=read_clock(row, now=now).deadline,
        merged_into=row.merged_into_id,
        complaints=len(row.linked_complaints.all()),
    )
