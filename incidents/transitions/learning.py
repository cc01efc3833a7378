"""The post-mortem: what was learnt, and what is done so that it does not happen again."""

from datetime import date, datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.models import User
from core.versions import check_version
from incidents.models import ActionItem, ActionKind, PostMortem
from incidents.transitions.locking import add_entry, check_not_closed, check_text, get_locked_incident

MAX_MEASURE_CHARACTERS = 300


@transaction.atomic
def write_post_mortem(
    *,
    incident_id: int,
    root_cause: str,
    impact: str,
    documentation_updates: str,
    actor: Actor,
    now: datetime,
    seen: int | None = None,
    reason: str = "Post-mortem written",
) -> PostMortem:
    """Write what was learnt; refuse where somebody wrote since `seen`, the post-mortem's last history row."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    post_mortem = incident.post_mortem
    wanted = {
        "root_cause": check_text(root_cause),
        "impact": check_text(impact),
        "documentation_updates": check_text(documentation_updates),
    }
    if all(getattr(post_mortem, name) == text for name, text in wanted.items()):
        return post_mortem
    check_version(post_mortem, seen)
    with recorded(actor=actor, reason=reason, now=now):
        for name, text in wanted.items():
            setattr(post_mortem, name, text)
        post_mortem.save()
        add_entry(incident, code="post_mortem_written", actor=actor, now=now)
    return post_mortem


@transaction.atomic
def add_action_item(
    *, incident_id: int, kind: str, title: str, owner_id: int, due_on: date, actor: Actor, today: date, now: datetime
) -> ActionItem:
    """Add a measure with its owner and date."""
    incident = get_locked_incident(incident_id)
    check_not_closed(incident)
    title = check_text(title, limit=MAX_MEASURE_CHARACTERS)
    if not title:
        raise InvalidInput("measure_missing")
    if kind not in ActionKind.values:
        raise InvalidInput("action_kind_unknown", kind=kind)
    if due_on < today:
        raise InvalidInput("due_in_past", due_on=str(due_on))
    if not User.objects.filter(pk=owner_id, is_active=True).exists():
        raise InvalidInput("person_unknown", user_id=owner_id)
    with recorded(actor=actor, reason="Action item added", now=now):
        item = ActionItem(post_mortem=incident.post_mortem, kind=kind, title=title, owner_id=owner_id, due_on=due_on)
        item.save()
        add_entry(incident, code="action_item_added", actor=actor, now=now, note=item.title)
    return item


@transaction.atomic
def finish_action_item(*, incident_id: int, item_id: int, actor: Actor, reason: str, now: datetime) -> ActionItem:
    """Note that a measure of this incident is done; also after closing."""
    incident = get_locked_incident(incident_id)
    item = ActionItem.objects.select_for_update(of=("self",)).filter(pk=item_id, post_mortem__incident=incident).first()
    if item is None:
        raise InvalidInput("measure_unknown", item=item_id)
    if item.done_at is not None:
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        item.done_at = now
        item.save()
        add_entry(incident, code="action_item_done", actor=actor, now=now, note=item.title)
    return item
