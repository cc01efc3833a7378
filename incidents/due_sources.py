"""What of incidents is due: their clocks, public words, calls, post-mortems, and what must not happen again."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from incidents.domain.calling_back import OPEN
from incidents.domain.lifecycle import RUNNING
from incidents.domain.measuring import MeasureState
from incidents.domain.reminding import OF_MEASURES
from incidents.domain.reviewing import Stage
from incidents.domain.tiers import Tier, deadline_of
from incidents.learning_queries import list_unpublished
from incidents.models import ActionItem, CallBack, Incident
from incidents.timeline_queries import find_word_due, list_speaking, map_last_updates
from notifications import due
from notifications.domain.audience import CREW, DRIVERS, SUPPORT, Audience
from notifications.domain.due import DueItem
from notifications.queries import map_people_called
from rollouts.support_queries import list_duty


def register_sources() -> None:
    """Give what is due of incidents to whoever lists it, the most pressing first."""
    due.register("incidents", _("Incident"), list_running)
    due.register("words", _("Public word"), list_words)
    due.register("call_backs", _("Calls"), list_calls)
    due.register("measures", _("Measure"), list_measures)
    due.register("post_mortems", _("Post-mortem"), list_post_mortems)


def list_running(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield real incidents whose clock runs: for who commands them, else for the crew. One query."""
    for incident in Incident.objects.filter(status__in=RUNNING, is_rehearsal=False).order_by("pk"):
        yield DueItem(
            words=_("Incident %(number)s is to be restored: %(title)s"),
            data=_name(incident),
            due=deadline_of(detected_at=incident.detected_at, tier=Tier(incident.highest_tier)),
            url=reverse("incidents:detail", args=[incident.pk]),
            audience=_of(incident.commander_id) or CREW,
        )


def list_words(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the public words that somebody waits for: for who speaks, else who commands. Two queries."""
    incidents = list(list_speaking(now=now).filter(is_rehearsal=False).order_by("pk"))
    last = map_last_updates([incident.pk for incident in incidents])
    for incident in incidents:
        due_at = find_word_due(incident, last=last.get(incident.pk))
        if due_at is not None and due_at < until:
            yield DueItem(
                words=_("The public waits for a word on incident %(number)s: %(title)s"),
                data=_name(incident),
                due=due_at,
                url=reverse("incidents:detail", args=[incident.pk]),
                audience=_of(incident.communications_id) or _of(incident.commander_id) or CREW,
            )


def list_calls(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the people to be called back, one item a shop: for who is on duty today, else support. Three queries."""
    rows = CallBack.objects.filter(state__in=OPEN).order_by("site__name", "site").values_list("site", "site__name")
    shops = list(rows.annotate(count=Count("pk"), since=Min("due_at")))
    names = {shift.name for shift in list_duty(day=timezone.localdate(now))} if shops else set()
    people = frozenset[int]().union(*map_people_called(names).values())
    for site_id, name, count, since in shops:
        yield DueItem(
            words=_("People to call back at %(site)s: %(count)s"),
            data={"site": name, "count": count},
            due=since,
            url=f"{reverse('incidents:call_backs')}?site={site_id}",
            audience=_of(*people) or SUPPORT,
        )


def list_measures(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the measures to be done and to be verified, also of closed incidents. One query.

    What is done is to be looked at within a week: by whoever was named, else by one who drives releases and did not
    do it.
    """
    is_due = Q(status=MeasureState.OPEN, due_on__lte=timezone.localdate(until)) | Q(status=MeasureState.DONE)
    for item in ActionItem.objects.filter(is_due).select_related("post_mortem").order_by("pk"):
        number = item.post_mortem.incident_id
        done_at = item.done_at
        yield DueItem(
            words=_("%(title)s (incident %(number)s)")
            if done_at is None
            else _("To be verified: %(title)s (incident %(number)s)"),
            data={"title": item.title, "number": number},
            due=item.due_on if done_at is None else timezone.localdate(done_at + OF_MEASURES.every),
            url=f"{reverse('incidents:post_mortem', args=[number])}#measure-{item.pk}",
            audience=_of(item.owner_id if done_at is None else item.verifier_id) or DRIVERS,
            spared=frozenset() if done_at is None else frozenset(filter(None, [item.owner_id, item.done_by_id])),
        )


def list_post_mortems(*, now: datetime, until: datetime) -> Iterator[DueItem]:
    """Yield the post-mortems to be published, for who wrote or commanded, or reviewed, for others. Two queries."""
    for post_mortem, due_on in list_unpublished(today=timezone.localdate(until)):
        incident = post_mortem.incident
        authors = {row.user_id for row in post_mortem.authors.all()}
        is_waiting = post_mortem.status == Stage.IN_REVIEW
        mine = _of(*authors, incident.commander_id) or DRIVERS
        yield DueItem(
            words=_("The post-mortem of incident %(number)s waits for a review: %(title)s")
            if is_waiting
            else _("The post-mortem of incident %(number)s is to be published: %(title)s"),
            data=_name(incident),
            due=due_on,
            url=reverse("incidents:post_mortem", args=[incident.pk]),
            audience=(DRIVERS if incident.is_rehearsal else CREW) if is_waiting else mine,
            spared=frozenset(authors) if is_waiting else frozenset(),
        )


def _of(*user_ids: int | None) -> Audience | None:
    """Return the people named, None where nobody is."""
    named = frozenset(pk for pk in user_ids if pk is not None)
    return Audience(user_ids=named) if named else None


def _name(incident: Incident) -> dict[str, object]:
    return {"number": incident.pk, "title": incident.title}
