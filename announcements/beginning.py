"""What a composer begins with: the words of a kind, and what it is opened about."""

from typing import Any

from announcements.domain.kinds import WORD_STATUSES, Kind, suggest_for_incident, suggest_for_rollout
from announcements.domain.lifecycle import Places
from announcements.forms import TOLD_ROLES
from announcements.incident_outlet import INCIDENT
from announcements.models import Announcement
from announcements.people_outlet import PEOPLE
from announcements.transitions.templating import get_template
from flags.models import Environment
from incidents.domain.lifecycle import Status as IncidentStatus
from incidents.domain.words import WordStatus
from incidents.models import Incident
from incidents.timeline_queries import find_last_update
from rollouts.domain.lifecycle import Status as RolloutStatus
from rollouts.models import Rollout

WORDS = ("title_fr", "body_fr", "title_en", "body_en")


def begin(
    *,
    environment: Environment | None,
    kind: Kind | None = None,
    rollout: Rollout | None = None,
    incident: Incident | None = None,
    follows: Announcement | None = None,
) -> dict[str, Any]:
    """Return what a new announcement's form holds at first, by what it is about: at most four queries."""
    if follows is not None:
        return _go_on(follows, kind)
    subject = incident or rollout
    kind = kind or _suggest(rollout, incident)
    given: dict[str, Any] = {
        "kind": str(kind),
        "environment": subject.environment.key if subject else environment.key if environment else None,
        "rollout": rollout.pk if rollout else incident.rollout_id if incident else None,
        "incident": incident.pk if incident else None,
        "outlets": [PEOPLE.key],
        "roles": [str(role) for role in TOLD_ROLES],
        "places": Places.EVERYWHERE,
    }
    if incident is not None and kind in WORD_STATUSES and not incident.is_rehearsal:
        given["outlets"].append(INCIDENT.key)
    if incident is not None and incident.site_keys:
        given |= {"places": Places.SITES, "sites": incident.site_keys}
    return given | read_words(kind)


def read_words(kind: Kind) -> dict[str, str]:
    """Return the words of a kind, their places open: one query."""
    template = get_template(kind)
    return {name: getattr(template, name) for name in WORDS}


def read_draft(draft: Announcement) -> dict[str, Any]:
    """Return what the form of a draft holds."""
    return {
        **{
            name: getattr(draft, name) for name in (*WORDS, "one_language_reason", "kind", "outlets", "roles", "places")
        },
        "environment": draft.environment.key,
        "rollout": draft.rollout_id,
        "incident": draft.incident_id,
        "follows": draft.follows_id,
        "sites": draft.site_keys,
        "flag": draft.flag.key if draft.flag else None,
        "starts_at": draft.starts_at,
        "ends_at": draft.ends_at,
        "next_update_at": draft.next_update_at,
    }


def _go_on(follows: Announcement, kind: Kind | None) -> dict[str, Any]:
    """Return what says more about an announcement: to the same people by the same outlets, in new words."""
    kind = kind or (_suggest(follows.rollout, follows.incident) if follows.incident else Kind(follows.kind))
    given = read_draft(follows) | {"kind": str(kind), "follows": follows.pk, "next_update_at": None}
    return given | {"one_language_reason": ""} | read_words(kind)


def _suggest(rollout: Rollout | None, incident: Incident | None) -> Kind:
    if incident is not None:
        last = find_last_update(incident.pk)
        return suggest_for_incident(
            IncidentStatus(incident.status), last=None if last is None else WordStatus(last.status)
        )
    if rollout is None:
        return Kind.FREE
    is_taken_back = rollout.rollbacks.filter(attempt=rollout.attempt).exists()
    return suggest_for_rollout(RolloutStatus(rollout.status), is_taken_back=is_taken_back)
