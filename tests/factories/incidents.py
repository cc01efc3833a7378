"""Incidents, opened and led to a state by the real transitions."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from core.actors import Actor, person
from core.models import User
from core.roles import Role
from flags.models import Environment
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier
from incidents.models import ActionItem, ActionKind, Incident
from incidents.transitions import (
    add_action_item,
    approve_post_mortem,
    close_incident,
    confirm_restored,
    declare_incident,
    merge_incident,
    mitigate_incident,
    publish_post_mortem,
    submit_post_mortem,
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
    if status is Status.MERGED:
        merge_incident(incident_id=incident.pk, into_id=make_incident(incident.environment).pk, **by)
        incident.refresh_from_db()
        return incident
    if status is Status.MITIGATED:
        return mitigate_incident(incident_id=incident.pk, **by)
    confirm_restored(incident_id=incident.pk, **by)
    if status is Status.CLOSED:
        learn(incident, user=user)
        close_incident(incident_id=incident.pk, **by)
    incident.refresh_from_db()
    return incident


TEXTS = {
    "root_cause": "Rounding",
    "impact": "Twelve sales",
    "detection": "A cashier called",
    "went_well": "The flag was off within a minute",
    "went_badly": "Nobody watched the totals",
    "lucky": "It was a quiet hour",
    "documentation_updates": "None needed: nobody could have known",
}


def write(incident: Incident, *, user: User | None = None, now: datetime = NOW, **given: Any) -> None:
    """Write every section of a post-mortem."""
    actor = person(user or make_person(Role.SUPPORT))
    texts = TEXTS | given.pop("texts", {})
    write_post_mortem(incident_id=incident.pk, texts=texts, actor=actor, now=now, **given)


def learn(incident: Incident, *, user: User | None = None, now: datetime = NOW, until: Stage = Stage.PUBLISHED) -> None:
    """Write a whole post-mortem with a measure; once restoration is verified, have it reviewed and published, too."""
    user = user or make_person(Role.SUPPORT)
    write(incident, user=user, now=now)
    make_measure(incident, user=user, now=now)
    incident.refresh_from_db()
    if incident.restored_at is not None:
        review(incident, user=user, now=now, until=until)


def review(
    incident: Incident, *, user: User | None = None, now: datetime = NOW, until: Stage = Stage.PUBLISHED
) -> None:
    """Lead a whole draft to a stage: reviewed by somebody else."""
    by: dict[str, Any] = {"incident_id": incident.pk, "reason": "needed by a test", "now": now}
    author = person(user or make_person(Role.SUPPORT))
    if until is Stage.DRAFT:
        return
    submit_post_mortem(**by, actor=author)
    if until is Stage.IN_REVIEW:
        return
    approve_post_mortem(**by, actor=person(make_person(Role.RELEASE_MANAGER)))
    if until is Stage.PUBLISHED:
        publish_post_mortem(**by, actor=author)


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
