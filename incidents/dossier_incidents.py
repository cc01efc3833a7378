"""The incidents of a dossier: their clock, their post-mortem as published, their measures. No complainant is named."""

from typing import Any

from django.db.models import Count, Q

from core.templatetags.portal import name_of
from incidents.domain.dossier import count_seconds, write_moment
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier, deadline_of
from incidents.models import ActionItem, Incident, PostMortem
from rollouts.models import Release

TEXTS = (
    "root_cause",
    "impact",
    "detection",
    "went_well",
    "went_badly",
    "lucky",
    "documentation_updates",
    "public_title",
    "public_text",
)


def list_incidents(release: Release) -> list[dict[str, Any]]:
    """Return the incidents of a release's rollouts and rollbacks, in their order: two queries."""
    about = Q(rollout__release=release) | Q(rollback__rollout__release=release)
    rows = Incident.objects.filter(about).annotate(complained=Count("linked_complaints", distinct=True))
    rows = rows.select_related("environment", "commander", "restored_by", "post_mortem__approved_by")
    rows = rows.prefetch_related("post_mortem__action_items__owner", "post_mortem__action_items__verified_by")
    return [_write_incident(row, complained=row.complained) for row in rows.order_by("pk")]


def _write_incident(row: Incident, *, complained: int) -> dict[str, Any]:
    deadline = deadline_of(detected_at=row.detected_at, tier=Tier(row.highest_tier))
    post_mortem: PostMortem | None = getattr(row, "post_mortem", None)
    return {
        "id": row.pk,
        "title": row.title,
        "environment": row.environment.key,
        "is_rehearsal": row.is_rehearsal,
        "status": row.status,
        "merged_into": row.merged_into_id,
        "tier": row.tier,
        "highest_tier": row.highest_tier,
        "flags": list(row.flag_keys),
        "sites": list(row.site_keys),
        "rollout": row.rollout_id,
        "rollback": row.rollback_id,
        "complaints": complained,
        "commander": name_of(row.commander),
        "detected_at": write_moment(row.detected_at),
        "opened_at": write_moment(row.opened_at),
        "acknowledged_at": write_moment(row.acknowledged_at),
        "mitigated_at": write_moment(row.mitigated_at),
        "restored_at": write_moment(row.restored_at),
        "restored_by": name_of(row.restored_by),
        "deadline": write_moment(deadline),
        "taken_seconds": count_seconds(row.detected_at, row.restored_at),
        "is_in_time": None if row.restored_at is None else row.restored_at <= deadline,
        "post_mortem": _write_post_mortem(post_mortem),
        "measures": [] if post_mortem is None else [_write_measure(one) for one in _sort(post_mortem)],
    }


def _write_post_mortem(row: PostMortem | None) -> dict[str, Any] | None:
    """Return a post-mortem as published; of another only how far it is."""
    if row is None:
        return None
    found: dict[str, Any] = {"status": row.status, "published_at": write_moment(row.published_at)}
    if row.status != Stage.PUBLISHED:
        return found
    texts = {name: getattr(row, name) for name in TEXTS}
    approved = {"approved_by": name_of(row.approved_by), "approved_at": write_moment(row.approved_at)}
    return {**found, "visibility": row.visibility, **approved, "texts": texts}


def _sort(row: PostMortem) -> list[ActionItem]:
    return sorted(row.action_items.all(), key=lambda item: item.pk)


def _write_measure(row: ActionItem) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "title": row.title,
        "owner": name_of(row.owner),
        "due_on": row.due_on.isoformat(),
        "status": row.status,
        "done_at": write_moment(row.done_at),
        "verified_at": write_moment(row.verified_at),
        "verified_by": name_of(row.verified_by),
    }
