"""Who commands an incident, and who speaks for it: taken on, or given to somebody who is told."""

from datetime import datetime
from enum import StrEnum

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.models import User
from core.roles import Capability, can
from incidents.domain.lifecycle import RUNNING
from incidents.models import Incident
from incidents.transitions.locking import add_entry, check_not_closed, get_locked_incident
from incidents.transitions.telling import say_incident
from notifications.domain.audience import Audience
from notifications.transitions import publish


class Part(StrEnum):
    """What somebody does in an incident; the value names its column."""

    COMMANDER = "commander"
    COMMUNICATIONS = "communications"


@transaction.atomic
def assign_part(
    *,
    incident_id: int,
    part: Part,
    user_id: int,
    actor: Actor,
    reason: str,
    now: datetime,
    seen: int | None = None,
) -> Incident:
    """Give a part to somebody active who may handle incidents, in place of whoever has it; they are told."""
    incident = get_locked_incident(incident_id, seen=seen)
    check_not_closed(incident)
    if part is Part.COMMANDER and incident.status not in RUNNING:
        raise Refusal("not_running", incident=incident_id)
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not can(user, Capability.HANDLE_INCIDENTS):
        raise InvalidInput("person_unfit")
    before = getattr(incident, f"{part}_id")
    if before == user.pk:
        raise Refusal("part_given_already", incident=incident_id)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        setattr(incident, f"{part}_id", user.pk)
        if part is Part.COMMANDER:
            incident.acknowledged_at = incident.acknowledged_at or now
        incident.save()
        data = {"person": str(user)}
        add_entry(incident, code=f"{part}_given", actor=actor, now=now, note=recording.reason, data=data)
    if user.pk != actor.user_id:
        _tell_given(incident, part, user, actor=actor, now=now)
    return incident


def _tell_given(incident: Incident, part: Part, user: User, *, actor: Actor, now: datetime) -> None:
    kind = "incident_command_given" if part is Part.COMMANDER else "incident_communications_given"
    publish(
        kind=kind,
        data={**say_incident(incident), "by": actor.label},
        audience=Audience(user_ids=frozenset({user.pk})),
        dedupe_key=f"incident:{incident.pk}:{part}:{user.pk}:{now.isoformat()}",
        now=now,
        url=f"/incidents/{incident.pk}/",
    )
