"""Where flags stand in their lives, from what is stored and its history."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from flags.domain.audience import RuleKind
from flags.domain.definition import RuleDefinition
from flags.domain.life import Change, Life, find_common_variant, find_out_since, find_out_variant, judge_life
from flags.models import Environment, Flag, FlagState, Rule
from flags.overrides import find_override

#: The columns that `define_gift` reads.
GIFT = ("kind", "variant", "split")
_WHEN = ("id", "history_type", "history_date")


def judge_flags(flags: Collection[Flag], *, now: datetime) -> dict[int, Life]:
    """Return the life of each flag by its primary key: five queries, however many flags."""
    places = {environment.pk: environment for environment in list_places_that_count()}
    states, rules = _load_states(flags, places=places)
    out = [state for of_flag in states.values() for state in of_flag if _is_out(state, rules[state.pk], places)]
    moments = _find_moments(out)
    return {flag.pk: _judge(flag, states[flag.pk], moments, places=places, now=now) for flag in flags}


def judge_flag(flag: Flag, *, now: datetime) -> Life:
    """Return the life of one flag: five queries."""
    return judge_flags([flag], now=now)[flag.pk]


def list_places_that_count() -> list[Environment]:
    """Return the environments a flag must be fully out in: production, without any the last one."""
    environments = list(Environment.objects.order_by("position", "key"))
    return [one for one in environments if one.is_production] or environments[-1:]


def define_gift(row: Any) -> RuleDefinition:
    """Return what a rule, or a row of its history, gives and whether it is for everyone: no more is asked here."""
    return RuleDefinition(
        kind=RuleKind(row.kind), variant=row.variant, split=tuple((name, weight) for name, weight in row.split)
    )


def has_one_variant(state: FlagState) -> bool:
    """Tell whether everybody gets the same of a flag that is on: one query, none where its rules are prefetched."""
    rules = [define_gift(rule) for rule in state.rules.all()]
    return find_common_variant(rules, default_variant=state.flag.default_variant) is not None


def _load_states(
    flags: Collection[Flag], *, places: Mapping[int, Environment]
) -> tuple[dict[int, list[FlagState]], dict[int, list[RuleDefinition]]]:
    """Return every state of the flags by flag, and the rules by state where they count."""
    by_pk = {flag.pk: flag for flag in flags}
    has_rules = Exists(Rule.objects.filter(state=OuterRef("pk")))
    states: dict[int, list[FlagState]] = defaultdict(list)
    for state in FlagState.objects.filter(flag__in=by_pk).annotate(has_rules=has_rules).order_by("pk"):
        state.flag = by_pk[state.flag_id]
        states[state.flag_id].append(state)
    rules: dict[int, list[RuleDefinition]] = defaultdict(list)
    counting = Rule.objects.filter(state__flag__in=by_pk, state__environment__in=places).order_by("position")
    for row in counting.values_list("state_id", *GIFT, named=True):
        rules[row.state_id].append(define_gift(row))
    return states, rules


def _is_out(state: FlagState, rules: Iterable[RuleDefinition], places: Mapping[int, Environment]) -> bool:
    """Tell whether a flag is fully out in an environment that counts; nobody knows since when a variable decides."""
    if state.environment_id not in places:
        return False
    state.environment = places[state.environment_id]
    flag = state.flag
    variant = find_out_variant(
        rules,
        is_on=state.is_on and not state.is_killed,
        default_variant=flag.default_variant,
        off_variant=flag.off_variant,
    )
    return variant is not None and find_override(state) is None


def _find_moments(states: Collection[FlagState]) -> dict[int, datetime]:
    """Return since when each of these states, out now, has been so, by its primary key: two queries."""
    pks = [state.pk for state in states]
    changes: dict[int, list[Change]] = defaultdict(list)
    states_then = FlagState.history.filter(id__in=pks).order_by("history_id")
    rules_then = Rule.history.filter(state_id__in=pks).order_by("history_id")
    told = (
        map(_read_state, states_then.values_list(*_WHEN, "is_on", "killed_at", named=True).iterator()),
        map(_read_rule, rules_then.values_list(*_WHEN, "state_id", "position", *GIFT, named=True).iterator()),
    )
    for lines in told:
        latest: dict[int, datetime] = {}
        for state_id, change in lines:
            # Written later, under the state's lock, it did not happen earlier, whenever its writer looked at the clock.
            at = latest[state_id] = max(change.at, latest.get(state_id, change.at))
            changes[state_id].append(replace(change, at=at))
    found = {
        state.pk: find_out_since(
            changes[state.pk], default_variant=state.flag.default_variant, off_variant=state.flag.off_variant
        )
        for state in states
    }
    return {pk: since for pk, since in found.items() if since is not None}


def _read_state(row: Any) -> tuple[int, Change]:
    """Return a line of a state's history as a change, and the state that it is of."""
    is_on = row.history_type != "-" and row.is_on and row.killed_at is None
    return row.id, Change(row.history_date, is_on=is_on)


def _read_rule(row: Any) -> tuple[int, Change]:
    """Return a line of a rule's history as a change, and the state that it is of."""
    rule = None if row.history_type == "-" else define_gift(row)
    return row.state_id, Change(row.history_date, rule_id=row.id, position=row.position, rule=rule)


def _judge(
    flag: Flag,
    states: Sequence[FlagState],
    moments: Mapping[int, datetime],
    *,
    places: Mapping[int, Environment],
    now: datetime,
) -> Life:
    out = [moments[state.pk] for state in states if state.pk in moments]
    return judge_life(
        is_touched=any(state.has_rules or (state.is_on and not state.is_killed) for state in states),  # type: ignore[attr-defined]  # annotated above
        out_since=max(out) if places and len(out) == len(places) else None,
        is_permanent=flag.is_permanent,
        expires_on=flag.expires_on,
        archived_at=flag.archived_at,
        stale_after=timedelta(days=settings.FLAG_STALE_AFTER_DAYS),
        now=now,
        today=timezone.localdate(now),
    )
