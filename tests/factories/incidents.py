"""Incidents, opened and led to a state by the real transitions."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from core.actors import Actor, person
from core.models import User
from core.roles import Role
from flags.models import Environment
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.models import ActionItem, ActionKind, Incident
from incidents.transitions import (
    add_action_item,
    close_incident,
    confirm_restored,
    declare_incident,
    mitigate_incident,
    write_post_mortem,
)
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment

_numbers = count(1)


def make_incident(environment: Environment | None = None, *, actor: Actor | None = None, **given: Any) -> Incident:
    """Declare an incident by hand."""
    wanted: dict[str, Any] = {
        "title": f"Till {next(_numbers)} is down",
        "tier": Tier.IMPORTANT,
        "detected_at": given.get("now", NOW),
        "reason": "Seen at the till",
        "now": NOW,
    }
    actor = actor or person(make_person(Role.SUPPORT))
    return declare_incident(environment=environment or make_environment(), actor=actor, **(wanted | given))


def make_incident_in(status: Status, *, user: User | None = None) -> Incident:
    """Return an incident in a state, an hour old at the most."""
    by: dict[str, Any] = {"actor": person(user or make_person(Role.SUPPORT)), "reason": "needed by a test", "now": NOW}
    incident = make_incident()
    if status is Status.OPEN:
        return incident
    if status is Status.MITIGATED:
        return mitigate_incident(incident_id=incident.pk, **by)
    confirm_restored(incident_id=incident.pk, **by)
    if status is Status.CLOSED:
        learn(incident, user=user)
        close_incident(incident_id=incident.pk, **by)
    incident.refresh_from_db()
    return incident


def learn(incident: Incident, *, user: User | None = None, now: datetime = NOW) -> None:
    """Write a whole post-mortem."""
    user = user or make_person(Role.SUPPORT)
    write_post_mortem(
        incident_id=incident.pk,
        root_cause="Rounding",
        impact="Twelve sales",
        documentation_updates="None needed: nobody could have known",
        actor=person(user),
        now=now,
    )
    make_measure(incident, user=user, now=now)


def make_measure(incident: Incident, *, user: User, now: datetime = NOW, **given: Any) -> ActionItem:
    """Add a preventive measure, due in a week."""
    wanted: dict[str, Any] = {
        "kind": ActionKind.PREVENTIVE,
        "title": "Test the rounding",
        "owner_id": user.pk,
        "due_on": now.date() + timedelta(days=7),
        "today": now.date(),
        "actor": person(user),
        "now": now,
    }
    return add_action_item(incident_id=incident.pk, **(wanted | given))
