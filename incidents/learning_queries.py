"""Reads what was learnt of incidents: what it lacks, when it is due, which measures are pending."""

from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from core.models import User
from incidents.domain.gaps import (
    ASKED,
    SECTIONS,
    Learnt,
    find_closing_gaps,
    find_due_on,
    find_publishing_gaps,
    find_section_gaps,
    is_asked,
)
from incidents.domain.lifecycle import Status
from incidents.domain.measuring import PENDING, MeasureState
from incidents.domain.reminding import OF_MEASURES, OF_POST_MORTEMS
from incidents.domain.reviewing import Stage, Visibility
from incidents.domain.tiers import Tier
from incidents.models import ActionItem, Incident, PostMortem

#: A post-mortem's texts that people write, in their order.
TEXTS = ("root_cause", *SECTIONS, "documentation_updates", "public_title", "public_text")


def asks_for_post_mortem(incident: Incident, post_mortem: PostMortem) -> bool:
    """Tell whether an incident asks for a whole, reviewed and published post-mortem."""
    return is_asked(
        highest_tier=Tier(incident.highest_tier),
        is_wanted=post_mortem.is_wanted,
        is_rehearsal=incident.is_rehearsal,
    )


def read_learnt(incident: Incident, post_mortem: PostMortem) -> Learnt:
    """Return what is written so far: one query."""
    kinds = post_mortem.action_items.exclude(status=MeasureState.DROPPED).values_list("kind", flat=True)
    return Learnt(
        written=frozenset(name for name in TEXTS if getattr(post_mortem, name).strip()),
        measures=frozenset(kinds),
        stage=Stage(post_mortem.status),
        visibility=Visibility(post_mortem.visibility),
        is_restored=incident.restored_at is not None,
    )


def list_closing_gaps(incident: Incident, post_mortem: PostMortem) -> list[str]:
    """Return everything that is lacking before the incident may be closed: one query."""
    learnt = read_learnt(incident, post_mortem)
    return find_closing_gaps(learnt, asked=asks_for_post_mortem(incident, post_mortem))


def list_review_gaps(incident: Incident, post_mortem: PostMortem) -> list[str]:
    """Return everything that is lacking before a review may begin: one query."""
    return find_section_gaps(read_learnt(incident, post_mortem))


def list_publishing_gaps(incident: Incident, post_mortem: PostMortem) -> list[str]:
    """Return everything that is lacking before publication: one query."""
    return find_publishing_gaps(read_learnt(incident, post_mortem))


def find_post_mortem_due(incident: Incident, post_mortem: PostMortem) -> date | None:
    """Return the last day for publishing, None while the incident runs or where no post-mortem is asked for."""
    if incident.restored_at is None or not asks_for_post_mortem(incident, post_mortem):
        return None
    zone = timezone.get_default_timezone()
    return find_due_on(restored_at=incident.restored_at, tier=Tier(incident.highest_tier), zone=zone)


def list_unpublished(*, today: date) -> list[tuple[PostMortem, date]]:
    """Return the post-mortems to remind people of, each with its date and authors: two queries."""
    asked = Q(post_mortem__is_wanted=True) | Q(highest_tier__in=[str(tier) for tier in ASKED], is_rehearsal=False)
    resolved = Incident.objects.filter(asked, status=Status.RESOLVED).exclude(post_mortem__status=Stage.PUBLISHED)
    found = []
    rows = resolved.select_related("post_mortem", "commander").prefetch_related("post_mortem__authors")
    for incident in rows.order_by("pk"):
        due_on = find_post_mortem_due(incident, incident.post_mortem)
        if due_on is not None and due_on - OF_POST_MORTEMS.lead <= today:
            found.append((incident.post_mortem, due_on))
    return found


def list_pending_measures(*, today: date) -> QuerySet[ActionItem]:
    """Return the measures to remind people of, also of closed incidents: due soon, overdue, or to be verified."""
    is_due = Q(status=MeasureState.OPEN, due_on__lte=today + OF_MEASURES.lead) | Q(status=MeasureState.DONE)
    return ActionItem.objects.filter(is_due).select_related("post_mortem", "owner", "verifier").order_by("pk")


def filter_measures(
    *, today: date, user: User, is_mine: bool, is_overdue: bool, state: str, kind: str, owner: User | None
) -> QuerySet[ActionItem]:
    """Return measures with their incident, owner and verifier, by date. `state` empty: those that are pending."""
    rows = ActionItem.objects.select_related("post_mortem__incident", "owner", "verifier", "done_by", "verified_by")
    rows = rows.filter(status=state) if state else rows.filter(status__in=PENDING)
    given: dict[str, Any] = {"kind": kind or None, "owner": owner}
    rows = rows.filter(**{name: value for name, value in given.items() if value is not None})
    if is_mine:
        rows = rows.filter(Q(owner=user) | Q(verifier=user, status=MeasureState.DONE))
    if is_overdue:
        rows = rows.filter(status=MeasureState.OPEN, due_on__lt=today)
    return rows.order_by("due_on", "pk")
