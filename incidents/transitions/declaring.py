"""Opens incidents."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from core.actors import Actor, ActorKind
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment
from health.models import Complaint
from incidents.domain.lifecycle import RUNNING
from incidents.domain.tiers import Tier, higher_tier
from incidents.models import Incident, PostMortem
from incidents.transitions.linking import save_links
from incidents.transitions.locking import add_entry, check_not_closed, check_text, get_locked_incident
from incidents.transitions.telling import tell_opened, tell_raised
from recovery.models import Operation
from rollouts.models import Rollback, Rollout

MAX_TITLE_CHARACTERS = 200
#: Older than any RTO can tell of: a slip of the hand in the date, or a clock that is set back.
OLDEST = timedelta(days=7)
#: Whose word for the moment of detection is not the portal's own.
TOLD_BY = frozenset({ActorKind.USER, ActorKind.TOKEN})
#: First half of an advisory lock's key; the second is the environment.
DECLARE_LOCK = 7_140_205


@transaction.atomic
def declare_incident(
    *,
    title: str,
    tier: Tier,
    environment: Environment,
    detected_at: datetime,
    actor: Actor,
    reason: str,
    now: datetime,
    rollout: Rollout | None = None,
    rollback: Rollback | None = None,
    operation: Operation | None = None,
    flag_keys: Sequence[str] = (),
    site_keys: Sequence[str] = (),
    complaint_ids: Collection[int] = (),
    is_rehearsal: bool = False,
    request_id: str = "",
    request_hash: str = "",
) -> Incident:
    """Open an incident; its clock has run since `detected_at`.

    A wish with a name of its own (`request_id`), asked again, is answered with what it opened before.
    """
    declared = _find_declared(environment, request_id=request_id, request_hash=request_hash)
    if declared is not None:
        return declared
    title = _check_title(title)
    if detected_at > now:
        raise InvalidInput("detected_in_future")
    if actor.kind in TOLD_BY and now - detected_at > OLDEST:
        raise InvalidInput("detected_too_long_ago", days=OLDEST.days)
    if actor.user_id is not None:
        _check_twin(title, environment)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident = Incident(
            title=title,
            tier=tier,
            highest_tier=tier,
            environment=environment,
            rollout=rollout,
            rollback=rollback,
            operation=operation,
            flag_keys=list(flag_keys),
            site_keys=list(site_keys),
            is_rehearsal=is_rehearsal,
            detected_at=detected_at,
            opened_at=now,
            request_id=request_id,
            request_hash=request_hash,
        )
        incident.save()
        PostMortem(incident=incident).save()
        save_links(incident, _check_complaints(complaint_ids, environment), actor=actor, now=now)
        began = {"tier": str(tier), "detected_at": detected_at.isoformat()}
        add_entry(incident, code="opened", actor=actor, now=now, note=recording.reason, data=began)
    tell_opened(incident, now=now)
    return incident


@transaction.atomic
def join_incident(
    *,
    incident_id: int,
    title: str,
    tier: Tier | None,
    actor: Actor,
    reason: str,
    now: datetime,
    note: str = "",
    flag_keys: Sequence[str] = (),
    site_keys: Sequence[str] = (),
    complaint_ids: Collection[int] = (),
) -> Incident:
    """Add what somebody reports to an incident that is open already: words, flags, sites, complaints, a graver tier."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    if incident.status not in RUNNING:
        raise Refusal("not_running", incident=incident_id)
    title = " ".join(check_text(title, limit=MAX_TITLE_CHARACTERS).split())
    reached = incident.highest_tier
    with recorded(actor=actor, reason=reason, now=now):
        incident.flag_keys = list(dict.fromkeys([*incident.flag_keys, *flag_keys]))
        incident.site_keys = list(dict.fromkeys([*incident.site_keys, *site_keys]))
        if tier is not None:
            incident.tier = higher_tier(Tier(incident.tier), tier)
            incident.highest_tier = higher_tier(Tier(incident.highest_tier), tier)
        incident.save()
        numbers = _check_complaints(complaint_ids, incident.environment)
        save_links(incident, numbers, actor=actor, now=now)
        words = " — ".join(part for part in (title, check_text(note)) if part)
        add_entry(incident, code="joined", actor=actor, now=now, note=words)
        if incident.highest_tier != reached:
            add_entry(incident, code="tier_changed", actor=actor, now=now, data={"tier": str(incident.tier)})
    if incident.highest_tier != reached:
        tell_raised(incident, now=now)
    return incident


def _check_complaints(numbers: Collection[int], environment: Environment) -> list[int]:
    """Return the numbers in order; refuse one that is no complaint of the environment."""
    wanted = sorted(set(numbers))
    known = Complaint.objects.filter(pk__in=wanted, environment=environment).count() if wanted else 0
    if known != len(wanted):
        raise InvalidInput("complaint_not_there", complaint=", ".join(map(str, wanted)))
    return wanted


def _find_declared(environment: Environment, *, request_id: str, request_hash: str) -> Incident | None:
    """Return what the same wish opened before, alone with it from here on; refuse its name on another wish."""
    if not request_id:
        return None
    Environment.objects.select_for_update(no_key=True).filter(pk=environment.pk).first()
    found = Incident.objects.filter(environment=environment, request_id=request_id).first()
    if found is not None and found.request_hash != request_hash:
        raise Refusal("incident_id_reused", request=request_id)
    return found


def _check_title(title: str) -> str:
    """Return the title in one line, cut; refuse an empty one."""
    title = " ".join(check_text(title).split())[:MAX_TITLE_CHARACTERS]
    if not title:
        raise InvalidInput("title_missing")
    return title


def _check_twin(title: str, environment: Environment) -> None:
    """Refuse what runs under the same title: pressed twice, or two at the same trouble."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [DECLARE_LOCK, environment.pk])
    rows = Incident.objects.filter(environment=environment, status__in=RUNNING, title__iexact=title)
    twin = rows.order_by("-pk").values_list("pk", flat=True).first()
    if twin is not None:
        raise Refusal("incident_declared_already", incident=twin)
