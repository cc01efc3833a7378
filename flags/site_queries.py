"""What the pages of sites show: how each stands today, and what is on there and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Prefetch

from core.domain.business_time import local_day
from flags.dependants import Origin, describe_origins
from flags.domain.audience import RuleKind
from flags.domain.definition import FlagDefinition, RuleDefinition
from flags.domain.evaluation import Evaluation, Layer, compile_flag
from flags.domain.opening import DayView, view_day
from flags.models import Environment, FlagState, Rule, SegmentMember, Site, SiteDay

WEEK_DAYS = 7


@dataclass(frozen=True)
class SiteRow:
    """A site with its number of tills and how it stands today, by its own clock."""

    site: Site
    tills: int
    today: DayView


def list_site_rows(*, now: datetime) -> list[SiteRow]:
    """Return sites by name: two queries."""
    rows = Site.objects.annotate(till_count=Count("tills")).order_by("name")
    # A day more on either side: it is not the same day everywhere.
    edges = (now.date() - timedelta(days=1), now.date() + timedelta(days=1))
    near = SiteDay.objects.filter(starts_on__lte=edges[1], ends_on__gt=edges[0])
    return [
        SiteRow(site, site.till_count, view_site(site, get_local_day(site, now=now)))
        for site in rows.prefetch_related(Prefetch("days", near))
    ]


def get_local_day(site: Site, *, now: datetime) -> date:
    """Return the day by the site's own clock."""
    return local_day(now, zone=ZoneInfo(site.time_zone))


def view_site(site: Site, day: date) -> DayView:
    """Return how a site stands on a day: one query, none where its days are prefetched."""
    return view_day(day, weekdays=site.opening_weekdays, exceptions=[row.as_value for row in site.days.all()])


@dataclass(frozen=True)
class Calendar:
    """A site's coming days: the local time, seven days from today, exceptional days that are not over."""

    local_now: datetime
    week: Sequence[DayView]
    exceptions: Sequence[SiteDay]


def get_calendar(site: Site, *, now: datetime) -> Calendar:
    """Return the coming days of a site: one query."""
    today = get_local_day(site, now=now)
    coming = list(site.days.filter(ends_on__gt=today).order_by("starts_on"))
    values = [row.as_value for row in coming]
    days = (today + timedelta(days=number) for number in range(WEEK_DAYS))
    week = [view_day(day, weekdays=site.opening_weekdays, exceptions=values) for day in days]
    return Calendar(now.astimezone(ZoneInfo(site.time_zone)), week, coming)


@dataclass(frozen=True)
class Here:
    """A flag in one environment as somebody at a site gets it, and why.

    `rule` decided, where one did, laid by `origin`; `people` are those at the site who get another
    variant by a rule of their segment, with how many they are.
    """

    state: FlagState
    evaluation: Evaluation
    rule: Rule | None
    origin: Origin | None
    people: Sequence[tuple[Rule, int]]

    @property
    def is_off(self) -> bool:
        return self.evaluation.variant == self.state.flag.off_variant


def list_flags_here(site: Site) -> list[tuple[Environment, list[Here]]]:
    """Return each flag in use as the tills of a site get it, by environment, production and on first: five queries.

    The variant is decided by the same evaluation that tills ask.
    """
    rows = FlagState.objects.filter(flag__archived_at=None).select_related("flag", "environment")
    rules = Rule.objects.select_related("segment", "site").order_by("position")
    states = list(rows.prefetch_related(Prefetch("rules", rules)).order_by("flag__name"))
    people: dict[int, set[str]] = {}
    for segment_id, key in SegmentMember.objects.filter(site=site).values_list("segment_id", "targeting_key"):
        people.setdefault(segment_id, set()).add(key)
    origins = describe_origins({rule.origin for state in states for rule in state.rules.all()})
    found: dict[int, list[Here]] = {}
    for state in states:
        found.setdefault(state.environment_id, []).append(_evaluate(state, site, people=people, origins=origins))
    return [
        (environment, sorted(found.get(environment.pk, []), key=lambda here: here.is_off and not here.people))
        for environment in Environment.objects.order_by("-is_production", "position", "key")
    ]


def _evaluate(state: FlagState, site: Site, *, people: dict[int, set[str]], origins: dict[str, Origin]) -> Here:
    rules = list(state.rules.all())
    evaluation = compile_flag(_define(state, rules, people=people))({"site": site.key})
    index = evaluation.rule_index
    rule = None if index is None else rules[index]
    apart: list[tuple[Rule, int]] = []
    if evaluation.layer in {Layer.RULE, Layer.DEFAULT}:
        seen: set[str] = set()
        for one in rules[:index]:
            new = people.get(one.segment_id or 0, set()) - seen
            seen |= new
            if new and one.variant != evaluation.variant:
                apart.append((one, len(new)))
    return Here(state, evaluation, rule, origins.get(rule.origin) if rule else None, apart)


def _define(state: FlagState, rules: Sequence[Rule], *, people: dict[int, set[str]]) -> FlagDefinition:
    flag = state.flag
    return FlagDefinition(
        key=flag.key,
        variants=flag.variants,
        default_variant=flag.default_variant,
        off_variant=flag.off_variant,
        is_on=state.is_on,
        is_killed=state.is_killed,
        rules=tuple(
            RuleDefinition(
                kind=RuleKind(rule.kind),
                variant=rule.variant,
                people=frozenset(people.get(rule.segment_id or 0, ())),
                site_key=rule.site.key if rule.site else "",
            )
            for rule in rules
        ),
        criticality=flag.criticality,
    )
