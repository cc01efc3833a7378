"""What people are told of post-mortems and measures."""

from datetime import date, datetime

from incidents.models import ActionItem, Incident, PostMortem
from incidents.transitions.telling import find_commander, say_incident
from notifications.domain.audience import CREW, DRIVERS, Audience
from notifications.transitions import publish


def _page(incident_id: int) -> str:
    return f"/incidents/{incident_id}/post-mortem/"


def tell_review(incident: Incident, *, now: datetime) -> None:
    """Tell that a post-mortem waits for somebody's review."""
    publish(
        kind="post_mortem_review",
        data=say_incident(incident),
        audience=DRIVERS if incident.is_rehearsal else CREW,
        dedupe_key=f"post-mortem:{incident.pk}:review:{now.isoformat()}",
        now=now,
        url=_page(incident.pk),
    )


def tell_sent_back(incident: Incident, post_mortem: PostMortem, *, reason: str, key: int, now: datetime) -> None:
    """Tell the authors of a post-mortem why it was sent back."""
    publish(
        kind="post_mortem_sent_back",
        data={**say_incident(incident), "reason": reason},
        audience=Audience(user_ids=frozenset(post_mortem.authors.values_list("user_id", flat=True))),
        dedupe_key=f"post-mortem:{incident.pk}:sent-back:{key}",
        now=now,
        url=_page(incident.pk),
    )


def tell_post_mortem_due(post_mortem: PostMortem, *, due_on: date, stage: str, now: datetime) -> bool:
    """Remind those who wrote, or who commanded, of a post-mortem's date; those who drive where there is nobody."""
    incident = post_mortem.incident
    people = set(post_mortem.authors.filter(user__is_active=True).values_list("user_id", flat=True))
    commander = find_commander(incident)
    if commander is not None:
        people.add(commander.pk)
    event = publish(
        kind="post_mortem_due",
        data={**say_incident(incident), "due_on": due_on.isoformat()},
        audience=Audience(user_ids=frozenset(people)) if people else DRIVERS,
        dedupe_key=f"post-mortem:{incident.pk}:{due_on.isoformat()}:{stage}",
        now=now,
        url=_page(incident.pk),
    )
    return event is not None


def tell_measure_due(item: ActionItem, *, stage: str, now: datetime) -> bool:
    """Remind the owner of a measure; those who drive where the owner has left. Each stage of each date once."""
    audience = Audience(user_ids=frozenset({item.owner_id})) if item.owner.is_active else DRIVERS
    key = f"measure:{item.pk}:{item.due_on.isoformat()}:{stage}"
    return _tell_measure(item, kind="measure_due", audience=audience, key=key, now=now)


def tell_measure_to_verify(item: ActionItem, *, key: str, now: datetime) -> bool:
    """Tell that a measure is done and waits for somebody's look: whoever was named, else those who drive."""
    named = item.verifier if item.verifier is not None and item.verifier.is_active else None
    audience = Audience(user_ids=frozenset({named.pk})) if named else DRIVERS
    return _tell_measure(
        item, kind="measure_to_verify", audience=audience, key=f"measure:{item.pk}:verify:{key}", now=now
    )


def tell_measure_rejected(item: ActionItem, *, reason: str, key: str, now: datetime) -> bool:
    """Tell the owner why a measure is open again."""
    audience = Audience(user_ids=frozenset({item.owner_id}))
    key = f"measure:{item.pk}:rejected:{key}"
    return _tell_measure(item, kind="measure_rejected", audience=audience, key=key, now=now, reason=reason)


def _tell_measure(item: ActionItem, *, kind: str, audience: Audience, key: str, now: datetime, **more: object) -> bool:
    number = item.post_mortem.incident_id
    event = publish(
        kind=kind,
        data={"title": item.title, "due_on": item.due_on.isoformat(), "number": number, **more},
        audience=audience,
        dedupe_key=key,
        now=now,
        url=f"{_page(number)}#measure-{item.pk}",
    )
    return event is not None
