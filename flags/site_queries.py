"""What the pages of sites show: how each stands today, and what is on there and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, Prefetch

from core.domain.business_time import local_day
from flags.definitions import Surroundings, define_flag, load_surroundings
from flags.dependants import Origin, describe_origins
from flags.domain.definition import FlagDefinition
from flags.domain.evaluation import Layer, find_fixed_layer
from flags.domain.opening import DayView, view_day
from flags.domain.prospect import find_ends
from flags.domain.values import ValueType
from flags.models import Environment, FlagState, Rule, Site, SiteDay

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
class Apart:
    """A rule that gives some at a site another variant: so many people by name, or whom its conditions hold for."""

    rule: Rule
    people: int | None


@dataclass(frozen=True)
class Here:
    """A flag in one environment as somebody at a site gets it, and why.

    `layer` decides, and `rule` where one does, laid by `origin`; it may give a split. `apart` are the
    rules before it that are for some of the site.
    """

    state: FlagState
    layer: Layer
    variant: str
    rule: Rule | None
    origin: Origin | None
    apart: Sequence[Apart]

    @property
    def says_state(self) -> bool:
        """Return whether its variant is the plain on or off, which has words in every language."""
        return self.state.flag.value_type == ValueType.BOOLEAN and self.variant in {"on", "off"}

    @property
    def is_off(self) -> bool:
        return self.variant == self.state.flag.off_variant


def list_flags_here(site: Site) -> list[tuple[Environment, list[Here]]]:
    """Return each flag in use as the tills of a site get it, by environment: seven queries.

    Production comes first; of its flags what was cut, then what is on. The variant is decided by the same evaluation
    that tills ask.
    """
    rows = FlagState.objects.filter(flag__archived_at=None).select_related("flag", "environment")
    rules = Rule.objects.select_related("segment", "site").order_by("position")
    states = list(rows.prefetch_related(Prefetch("rules", rules)).order_by("flag__name"))
    surroundings = load_surroundings(site=site)
    origins = describe_origins({rule.origin for state in states for rule in state.rules.all()})
    found: dict[int, list[Here]] = {}
    for state in states:
        here = _evaluate(state, site, surroundings=surroundings, origins=origins)
        found.setdefault(state.environment_id, []).append(here)
    return [
        (environment, sorted(found.get(environment.pk, []), key=_rank))
        for environment in Environment.objects.order_by("-is_production", "position", "key")
    ]


def _rank(here: Here) -> int:
    """Return where a flag stands on the sheet: what was cut is what people call about."""
    if here.layer == Layer.KILL_SWITCH:
        return 0
    return 2 if here.is_off and not here.apart else 1


def _evaluate(state: FlagState, site: Site, *, surroundings: Surroundings, origins: Mapping[str, Origin]) -> Here:
    rules = list(state.rules.all())
    flag = define_flag(state, rules, surroundings)
    fixed = find_fixed_layer(flag)
    if fixed is not None:
        return Here(state, fixed[2], fixed[0], None, None, [])
    *others, end = find_ends(flag, {"site": site.key})
    rule = None if end is None else rules[end]
    variant = flag.default_variant if rule is None else rule.variant
    origin = origins.get(rule.origin) if rule else None
    return Here(
        state,
        Layer.DEFAULT if rule is None else Layer.RULE,
        variant,
        rule,
        origin,
        _list_apart(flag, rules[:end], maybes=[index for index in others if index is not None], variant=variant),
    )


def _list_apart(flag: FlagDefinition, rules: Sequence[Rule], *, maybes: Sequence[int], variant: str) -> list[Apart]:
    """Return the rules that give some of a site another variant than the rest; nobody is counted twice."""
    apart: list[Apart] = []
    seen: set[str] = set()
    for index, (rule, definition) in enumerate(zip(rules, flag.rules, strict=False)):
        new = definition.people - seen
        seen |= new
        if rule.variant == variant and not rule.split:
            continue
        if new:
            apart.append(Apart(rule, len(new)))
        if index in maybes:
            apart.append(Apart(rule, None))
    return apart
