"""Reads everything that the public page says: a dozen queries, however long the history."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from statuspage.announced_queries import read_announced
from statuspage.domain.affecting import ComponentKind, Part, Trouble, find_touch
from statuspage.domain.history import DAYS, CivilDay, Span, draw_days, find_uptime_bp, list_days
from statuspage.domain.states import State, find_indicator, find_worst
from statuspage.facts import ComponentFacts, Facts, IncidentFacts, MaintenanceFacts, Words
from statuspage.incident_queries import Known, read_incidents
from statuspage.models import Component, PublicEnvironment, StatusPage
from statuspage.rollout_queries import Planned, read_maintenances, read_rollouts
from statuspage.verdict_queries import read_breaches

#: The name as long as nobody gave it another.
NAME = Words(fr="État des services", en="Service status")
#: What still runs is counted in steps of so much, so that the page does not change with each second.
PACE_SECONDS = 60
UNDER_WAY = frozenset({"in_progress", "verifying"})

MaintenanceSource = Callable[..., Sequence[Planned]]
#: Who tells of planned maintenance, each called with the ids of environments and `now`: the rollout calendar, and
#: people who announce some.
MAINTENANCE_SOURCES: list[MaintenanceSource] = [read_maintenances, read_announced]


def read_name(page: StatusPage | None = None) -> Words:
    """Return what the page is called: one query where it is not given."""
    page = page or StatusPage.objects.first()
    return Words(fr=page.name_fr, en=page.name_en) if page else NAME


def read_facts(*, now: datetime) -> Facts:
    """Return the page as it is at a moment; two readings of the same state are equal within a minute."""
    page = StatusPage.objects.first()
    public = list(PublicEnvironment.objects.filter(is_public=True))
    by_id = {one.environment_id: one for one in public}
    parts = _list_components(by_id)
    zone, until = ZoneInfo(str(timezone.get_default_timezone())), _floor(now)
    since = now - timedelta(days=DAYS)
    unspoken = {key: one.lists_unspoken for key, one in by_id.items()}
    known = read_incidents(unspoken, since=since, now=now, until=until)
    planned = _list_planned([key for key, one in by_id.items() if one.shows_maintenance], now=now)
    breaches = read_breaches(list(by_id), since=since, until=until)
    troubles = [(one.environment_id, one.trouble) for one in known if one.counts] + breaches
    touches = _Touches(parts)
    days = list_days(now=until, zone=zone)
    components = [_make(one, touches, known=known, planned=planned, troubles=troubles, days=days) for one in parts]
    incidents = [touches.place(one, one.public) for one in known if one.public is not None]
    maintenances = [touches.place_planned(one) for one in planned]
    moments = [one.changed_at for one in (page, *public) if one] + [
        one.updated_at for group in (components, incidents, maintenances) for one in group
    ]
    return Facts(
        name=read_name(page),
        hotline=page.hotline if page else "",
        url=settings.STATUS_PAGE_URL,
        zone=str(zone),
        indicator=find_indicator(one.state for one in components),
        updated_at=max(moments, default=datetime.fromtimestamp(0, tz=zone)),
        components=components,
        incidents=incidents,
        maintenances=maintenances,
        rollouts=read_rollouts([key for key, one in by_id.items() if one.shows_rollouts], now=now),
    )


def _floor(now: datetime) -> datetime:
    return now - timedelta(seconds=now.timestamp() % PACE_SECONDS)


def _list_components(environments: Collection[int]) -> list[Component]:
    rows = Component.objects.filter(environment__in=environments, is_shown=True).select_related("site")
    return list(rows.order_by("environment__position", "environment", "position", "pk"))


def _list_planned(environment_ids: Sequence[int], *, now: datetime) -> list[Planned]:
    found = [one for read in MAINTENANCE_SOURCES for one in read(environment_ids, now=now)]
    return sorted(found, key=lambda one: (one.facts.starts_at, one.facts.id))


class _Touches:
    """Which of the shown components something touches, and how."""

    def __init__(self, components: Sequence[Component]) -> None:
        self._components = components
        self._parts = {one.pk: _as_part(one) for one in components}
        self._sites = {
            environment_id: frozenset(
                one.site.key for one in components if one.site and one.environment_id == environment_id
            )
            for environment_id in {one.environment_id for one in components}
        }

    def find(self, component: Component, environment_id: int, trouble: Trouble) -> State | None:
        if component.environment_id != environment_id:
            return None
        return find_touch(self._parts[component.pk], trouble, all_sites=self._sites[environment_id])

    def place(self, known: Known, public: IncidentFacts) -> IncidentFacts:
        """Return a public incident with its components."""
        touched = [one.pk for one in self._components if self.find(one, known.environment_id, known.trouble)]
        return replace(public, component_ids=tuple(touched))

    def place_planned(self, planned: Planned) -> MaintenanceFacts:
        """Return a maintenance with its components."""
        touched = [one.pk for one in self._components if planned.touches(one)]
        return replace(planned.facts, component_ids=tuple(touched))


def _as_part(component: Component) -> Part:
    return Part(
        kind=ComponentKind(component.kind),
        site_key=component.site.key if component.site else "",
        flag_keys=frozenset(component.flag_keys),
        target_id=component.target_id,
    )


def _make(
    component: Component,
    touches: _Touches,
    *,
    known: Sequence[Known],
    planned: Sequence[Planned],
    troubles: Sequence[tuple[int, Trouble]],
    days: Sequence[CivilDay],
) -> ComponentFacts:
    state, moments = _find_state(component, touches, known, planned)
    spans = [
        Span(touched, trouble.began_at, trouble.ended_at)
        for environment_id, trouble in troubles
        if (touched := touches.find(component, environment_id, trouble))
    ]
    drawn = draw_days(spans, days=days, counted_from=component.counted_from)
    return ComponentFacts(
        id=component.pk,
        name=Words(fr=component.name_fr, en=component.name_en),
        description=Words(fr=component.description_fr, en=component.description_en),
        state=state,
        position=component.position,
        created_at=component.created_at,
        updated_at=max([component.changed_at, *moments]),
        counted_from=component.counted_from,
        days=drawn,
        uptime_bp=find_uptime_bp(drawn),
    )


def _find_state(
    component: Component, touches: _Touches, known: Sequence[Known], planned: Sequence[Planned]
) -> tuple[State, list[datetime]]:
    """Return how a component stands by what was said and planned, and the moments at which that changed."""
    states: list[State | None] = []
    moments: list[datetime] = []
    for one in known:
        if one.public is None or touches.find(component, one.environment_id, one.trouble) is None:
            continue
        moments.append(one.public.updated_at)
        if one.trouble_now is not None:
            states.append(touches.find(component, one.environment_id, one.trouble_now))
    for plan in planned:
        if plan.facts.status != "scheduled" and plan.touches(component):
            moments.append(plan.facts.updated_at)
            states += [State.MAINTENANCE] if plan.facts.status in UNDER_WAY else []
    return find_worst(state for state in states if state), moments
