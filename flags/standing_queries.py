"""How far flags are out in each environment, and since when: counted in the database, however many rules there are."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q
from django.db.models.functions import Coalesce

from flags.domain.audience import RuleKind
from flags.domain.definition import Override
from flags.domain.standing import Extent, Reached, RuleGroup, judge_reach
from flags.models import FlagState, Rule
from flags.overrides import find_override

#: Rules of these kinds name whom they are for.
NAMED = (RuleKind.SITE, RuleKind.SEGMENT)
IS_OFF = Q(is_on=False) | Q(killed_at__isnull=False)


@dataclass(frozen=True)
class Standing:
    """A flag in one environment: how far it is out, whom it reaches, since when, and whose rules say so."""

    state: FlagState
    extent: Extent
    reached: Reached
    since: datetime | None
    origins: frozenset[str]
    override: Override | None

    @property
    def is_out(self) -> bool:
        """Whether anybody gets more of it than of the flag switched off, as far as rules say."""
        return self.extent in {Extent.SOME, Extent.EVERYONE, Extent.VARIABLE}


def list_standings(flag_ids: Collection[int]) -> list[Standing]:
    """Return how each flag stands in every environment, by environment, in the flags' given order: four queries."""
    places = {flag_id: place for place, flag_id in enumerate(flag_ids)}
    rows = FlagState.objects.filter(flag__in=places).select_related("flag", "environment")
    states = sorted(rows, key=lambda row: (row.environment.position, row.environment.key, places[row.flag_id]))
    pks = [state.pk for state in states]
    groups, on_since, free_since = _group_rules(pks), _find_switched_on(pks), _find_freed(pks)
    return [
        _stand(state, groups.get(state.pk, ()), [on_since.get(state.pk), free_since.get(state.pk)]) for state in states
    ]


def _stand(state: FlagState, grouped: Sequence[tuple[RuleGroup, str]], later: Sequence[datetime | None]) -> Standing:
    """Return how a state stands; nobody has had it longer than since the `later` of the moments that held it up."""
    groups = [group for group, _origin in grouped]
    flag, override = state.flag, find_override(state)
    reached = judge_reach(groups, default_variant=flag.default_variant, off_variant=flag.off_variant)
    extent, since = reached.extent, _find_since(reached, later)
    if override is not None and override.is_off:
        extent, since = Extent.OFF, None
    elif state.is_killed:
        extent, since = Extent.KILLED, state.killed_at
    elif override is not None:
        extent, since = (Extent.NOBODY if override.variant == flag.off_variant else Extent.VARIABLE), None
    elif not state.is_on:
        extent, since = Extent.OFF, None
    origins = frozenset(origin for group, origin in grouped if group.weigh(off_variant=flag.off_variant))
    return Standing(state, extent, reached, since, origins, override)


def _find_since(reached: Reached, later: Sequence[datetime | None]) -> datetime | None:
    """Return since when: not before it was switched on, nor, of everyone, before the last was let in."""
    if reached.extent is Extent.NOBODY:
        return None
    held = later if reached.extent is Extent.EVERYONE else later[:1]
    return max((at for at in (reached.since, *held) if at is not None), default=None)


def _group_rules(state_ids: Collection[int]) -> Mapping[int, list[tuple[RuleGroup, str]]]:
    """Return the rules of states, those alike together, each with its origin: one query."""
    rows = Rule.objects.filter(state__in=state_ids).order_by()
    name = Coalesce("site__key", "segment__name")
    alike = rows.values_list("state_id", "kind", "variant", "split", "origin").annotate(
        first=Min("position"),
        since_first=Min("since"),
        count=Count("pk"),
        names=ArrayAgg(name, filter=Q(kind__in=NAMED)),
    )
    found: dict[int, list[tuple[RuleGroup, str]]] = {}
    for state_id, kind, variant, split, origin, first, since, count, names in alike:
        group = RuleGroup(
            kind=RuleKind(kind),
            position=first,
            variant=variant,
            split=tuple((piece, weight) for piece, weight in split),
            names=names or (),
            count=count,
            since=since,
        )
        found.setdefault(state_id, []).append((group, origin))
    return found


def _find_switched_on(state_ids: Collection[int]) -> dict[int, datetime]:
    """Return since when each state that is on has been so without a break, from its history: one query."""
    history: Any = FlagState.history
    later = history.filter(IS_OFF, id=OuterRef("id"), history_id__gt=OuterRef("history_id"))
    on = history.filter(id__in=state_ids).exclude(IS_OFF).exclude(history_type="-").filter(~Exists(later))
    return dict(on.order_by().values_list("id").annotate(at=Min("history_date")))


def _find_freed(state_ids: Collection[int]) -> dict[int, datetime]:
    """Return when the last rule went that kept somebody off, from the rules' history: one query."""
    history: Any = Rule.history
    gone = history.filter(state_id__in=state_ids, history_type="-", variant=F("state__flag__off_variant"))
    return dict(gone.order_by().values_list("state_id").annotate(at=Max("history_date")))
