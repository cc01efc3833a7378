"""Segments and the people in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import Refusal
from core.history import recorded
from flags.dependants import check_may_grow, list_uses_of_segment
from flags.domain.conditions import Condition
from flags.models import Segment, SegmentMember
from flags.transitions.locking import get_locked_segment
from flags.transitions.saving import save_row


@dataclass(frozen=True)
class NewMember:
    """A person to be put into a segment."""

    targeting_key: str
    label: str = ""
    site_id: int | None = None


@transaction.atomic
def create_segment(
    *,
    key: str,
    name: str,
    members: Sequence[NewMember],
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
    conditions: Sequence[Condition] = (),
) -> Segment:
    """Create a segment with its people, and whoever its conditions hold for."""
    with recorded(actor=actor, reason=reason, now=now):
        stored = [one.as_json() for one in conditions]
        segment = save_row(Segment(key=key, name=name, description=description, conditions=stored))
        for member in members:
            _put(segment, member)
    return segment


@transaction.atomic
def edit_segment(
    *,
    segment_id: int,
    name: str,
    description: str,
    conditions: Sequence[Condition],
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Segment:
    """Change a segment's name and description, and the conditions beside its people."""
    segment = get_locked_segment(segment_id, seen_version=seen_version)
    stored = [one.as_json() for one in conditions]
    if stored != segment.conditions:
        check_may_grow(segment.pk)
    segment.name, segment.description, segment.conditions = name, description, stored
    with recorded(actor=actor, reason=reason, now=now):
        return save_row(segment)


@transaction.atomic
def add_member(*, segment_id: int, member: NewMember, actor: Actor, reason: str, now: datetime) -> SegmentMember:
    """Put a person into a segment; refuse one who is in it already."""
    segment = get_locked_segment(segment_id)
    if segment.members.filter(targeting_key=member.targeting_key).exists():
        raise Refusal("member_twice", key=member.targeting_key)
    check_may_grow(segment.pk)
    with recorded(actor=actor, reason=reason, now=now):
        return _put(segment, member)


def _put(segment: Segment, member: NewMember) -> SegmentMember:
    return save_row(
        SegmentMember(segment=segment, targeting_key=member.targeting_key, label=member.label, site_id=member.site_id)
    )


@transaction.atomic
def remove_member(*, segment_id: int, member_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Take a person out of a segment; refuse one who is not in it (any more)."""
    member = get_locked_segment(segment_id).members.filter(pk=member_id).first()
    if member is None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        member.delete()


@transaction.atomic
def delete_segment(*, segment_id: int, actor: Actor, reason: str, now: datetime) -> None:
    """Delete a segment with its people; refused while a rule or a rollout names it."""
    segment = get_locked_segment(segment_id)
    flags = segment.rules.values_list("state__flag__key", flat=True).distinct().order_by("state__flag__key")
    uses = [*flags, *list_uses_of_segment(segment_id)]
    if uses:
        raise Refusal("segment_in_use", uses=", ".join(uses))
    with recorded(actor=actor, reason=reason, now=now):
        for member in segment.members.all():
            member.delete()
        segment.delete()
