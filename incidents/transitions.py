"""Writes of incidents."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.domain.lifecycle import check_move
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.models import User
from flags.models import Environment
from incidents.domain.lifecycle import EDGES, Status
from incidents.domain.tiers import Tier, deadline_of, higher_tier
from incidents.models import ActionItem, ActionKind, Incident, PostMortem, TimelineEntry
from notifications.domain.audience import CREW
from notifications.transitions import publish
from rollouts.models import Rollback, Rollout


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
    flag_keys: Sequence[str] = (),
    site_keys: Sequence[str] = (),
    is_rehearsal: bool = False,
) -> Incident:
    """Open an incident; its clock has run since `detected_at`."""
    title = title.strip()
    if not title:
        raise InvalidInput("title_missing")
    if detected_at > now:
        raise InvalidInput("detected_in_future")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident = Incident(
            title=title[:200],
            tier=tier,
            highest_tier=tier,
            environment=environment,
            rollout=rollout,
            rollback=rollback,
            flag_keys=list(flag_keys),
            site_keys=list(site_keys),
            is_rehearsal=is_rehearsal,
            detected_at=detected_at,
            opened_at=now,
        )
        incident.save()
        PostMortem(incident=incident).save()
        add_entry(incident, code="opened", actor=actor, now=now, note=recording.reason, data={"tier": str(tier)})
    publish(
        kind="incident_opened",
        data=say_incident(incident),
        audience=CREW,
        dedupe_key=f"incident:{incident.pk}:opened",
        now=now,
        url=f"/incidents/{incident.pk}/",
    )
    return incident


def say_incident(incident: Incident) -> dict[str, object]:
    """Return what a message about an incident needs."""
    deadline = deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier))
    return {
        "number": incident.pk,
        "tier": incident.tier,
        "title": incident.title,
        "environment": incident.environment.key,
        "deadline": deadline.isoformat(timespec="minutes"),
    }


def add_entry(
    incident: Incident,
    *,
    code: str,
    actor: Actor,
    now: datetime,
    note: str = "",
    data: Mapping[str, object] | None = None,
) -> TimelineEntry:
    """Append a line to the timeline."""
    return TimelineEntry.objects.create(
        incident=incident, at=now, code=code, data=dict(data or {}), note=note, actor_label=actor.label[:200]
    )


def get_locked_incident(incident_id: int) -> Incident:
    """Return the locked incident; refuse an unknown one."""
    incident = (
        Incident.objects.select_for_update(of=("self",)).select_related("environment").filter(pk=incident_id).first()
    )
    if incident is None:
        raise InvalidInput("incident_unknown", incident=incident_id)
    return incident


@transaction.atomic
def acknowledge_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> Incident:
    """Take command: somebody is at it."""
    incident = get_locked_incident(incident_id)
    if incident.acknowledged_at is not None:
        raise Refusal("already_acknowledged", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident.acknowledged_at = now
        incident.commander_id = actor.user_id
        incident.save()
        add_entry(incident, code="acknowledged", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def mitigate_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> Incident:
    """Note that the harm has stopped; the clock runs on until restoration is verified."""
    incident = get_locked_incident(incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.MITIGATED)
        incident.status = Status.MITIGATED
        incident.mitigated_at = now
        incident.save()
        add_entry(incident, code="mitigated", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def confirm_restored(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> Incident:
    """Note that a person verified the restoration: the clock stops, the incident is resolved."""
    incident = get_locked_incident(incident_id)
    if actor.user_id is None:
        raise InvalidInput("restoration_needs_person")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.RESOLVED)
        incident.status = Status.RESOLVED
        incident.restored_at = now
        incident.restored_by_id = actor.user_id
        incident.save()
        add_entry(incident, code="restored", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def reopen_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> Incident:
    """Open again what was not over: the clock runs from detection, as if it had never stopped."""
    incident = get_locked_incident(incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.OPEN)
        incident.status = Status.OPEN
        incident.restored_at = incident.restored_by = incident.mitigated_at = None
        incident.save()
        add_entry(incident, code="reopened", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def close_incident(*, incident_id: int, actor: Actor, reason: str, now: datetime) -> Incident:
    """Close what is resolved and learnt from: a root cause, and something done about it."""
    incident = get_locked_incident(incident_id)
    post_mortem = incident.post_mortem
    if not post_mortem.root_cause.strip():
        raise Refusal("root_cause_missing")
    if not post_mortem.documentation_updates.strip() and not post_mortem.action_items.exists():
        raise Refusal("measures_missing")
    with recorded(actor=actor, reason=reason, now=now) as recording:
        check_move(EDGES, start=Status(incident.status), end=Status.CLOSED)
        incident.status = Status.CLOSED
        incident.save()
        add_entry(incident, code="closed", actor=actor, now=now, note=recording.reason)
    return incident


@transaction.atomic
def change_tier(*, incident_id: int, tier: Tier, actor: Actor, reason: str, now: datetime) -> Incident:
    """Change the tier; the highest one reached counts for the clock."""
    incident = get_locked_incident(incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        incident.tier = tier
        incident.highest_tier = higher_tier(Tier(incident.highest_tier), tier)
        incident.save()
        add_entry(incident, code="tier_changed", actor=actor, now=now, note=recording.reason, data={"tier": str(tier)})
    return incident


@transaction.atomic
def add_note(*, incident_id: int, note: str, actor: Actor, now: datetime) -> TimelineEntry:
    """Add a person's words to the timeline."""
    incident = get_locked_incident(incident_id)
    if not note.strip():
        raise InvalidInput("note_empty")
    return add_entry(incident, code="note", actor=actor, now=now, note=note.strip())


@transaction.atomic
def write_post_mortem(
    *,
    incident_id: int,
    root_cause: str,
    impact: str,
    documentation_updates: str,
    actor: Actor,
    now: datetime,
    reason: str = "Post-mortem written",
) -> PostMortem:
    """Write what was learnt."""
    incident = get_locked_incident(incident_id)
    post_mortem = incident.post_mortem
    with recorded(actor=actor, reason=reason, now=now):
        post_mortem.root_cause = root_cause.strip()
        post_mortem.impact = impact.strip()
        post_mortem.documentation_updates = documentation_updates.strip()
        post_mortem.save()
    return post_mortem


@transaction.atomic
def add_action_item(
    *, incident_id: int, kind: str, title: str, owner_id: int, due_on: date, actor: Actor, today: date, now: datetime
) -> ActionItem:
    """Add a measure with its owner and date."""
    incident = get_locked_incident(incident_id)
    if not title.strip():
        raise InvalidInput("title_missing")
    if kind not in ActionKind.values:
        raise InvalidInput("action_kind_unknown", kind=kind)
    if due_on < today:
        raise InvalidInput("due_in_past", due_on=str(due_on))
    if not User.objects.filter(pk=owner_id, is_active=True).exists():
        raise InvalidInput("person_unknown", user_id=owner_id)
    with recorded(actor=actor, reason="Action item added", now=now):
        item = ActionItem(
            post_mortem=incident.post_mortem, kind=kind, title=title.strip()[:300], owner_id=owner_id, due_on=due_on
        )
        item.save()
        add_entry(incident, code="action_item_added", actor=actor, now=now, note=item.title)
    return item


@transaction.atomic
def finish_action_item(*, item_id: int, actor: Actor, reason: str, now: datetime) -> ActionItem:
    """Note that a measure is done."""
    item = ActionItem.objects.select_for_update(of=("self",)).filter(pk=item_id).first()
    if item is None or item.done_at is not None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        item.done_at = now
        item.save()
    return item
