"""Reads whether an incident was there before, and which of the measures of then are still pending."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from incidents.domain.lifecycle import Status
from incidents.domain.measuring import PENDING
from incidents.domain.recurrence import WINDOW, Trait, say_why_alike, split_words
from incidents.models import ActionItem, Incident

#: At most so many incidents of the time before are compared, the newest ones.
COMPARED = 200
SHOWN = 5


@dataclass(frozen=True)
class Earlier:
    """An earlier incident like this one, why it is like it (a code), and its measures that are pending."""

    incident: Incident
    why: str
    pending: Sequence[ActionItem]


def list_earlier(incident: Incident) -> list[Earlier]:
    """Return the incidents of the 90 days before that look like the same trouble, newest first: three queries.

    The same flag, the same site and words of the title, or what a person linked: that one however long ago.
    """
    linked_id = incident.post_mortem.repeats_id
    rows = Incident.objects.filter(
        Q(flag_keys__overlap=incident.flag_keys) | Q(site_keys__overlap=incident.site_keys),
        environment=incident.environment_id,
        is_rehearsal=incident.is_rehearsal,
        detected_at__gte=incident.detected_at - WINDOW,
        detected_at__lte=incident.detected_at,
    ).exclude(detected_at=incident.detected_at, pk__gte=incident.pk)
    rows = rows.exclude(status=Status.MERGED)
    own = _read_trait(incident)
    alike: list[tuple[Incident, str]] = []
    if linked_id is not None:
        alike += [(row, "same_cause") for row in Incident.objects.filter(pk=linked_id)]
    for row in rows.order_by("-detected_at", "-pk")[:COMPARED]:
        why = say_why_alike(own, _read_trait(row))
        if why is not None and row.pk != linked_id and len(alike) < SHOWN:
            alike.append((row, why))
    pending = _list_pending([row.pk for row, _why in alike])
    return [Earlier(row, why, pending[row.pk]) for row, why in alike]


def _read_trait(incident: Incident) -> Trait:
    return Trait(frozenset(incident.flag_keys), frozenset(incident.site_keys), split_words(incident.title))


def _list_pending(incident_ids: Sequence[int]) -> dict[int, list[ActionItem]]:
    found: dict[int, list[ActionItem]] = defaultdict(list)
    rows = ActionItem.objects.filter(post_mortem__incident__in=incident_ids, status__in=PENDING)
    for item in rows.select_related("post_mortem", "owner"):
        found[item.post_mortem.incident_id].append(item)
    return found
