"""What the pages of flags show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from flags.dependants import Origin, describe_origins
from flags.domain.definition import Override
from flags.domain.life import Life
from flags.labels import FLAG_CHANGES, HISTORY_SIGNS
from flags.life_queries import judge_flags
from flags.models import ApiToken, Environment, Flag, FlagState, Rule, Segment
from flags.overrides import find_override
from flags.queries import list_state_versions
from flags.reach import Confirmation, confirm_flag
from flags.sentences import say_gift, say_whom

#: What the list of flags can be narrowed to, in the environment that is looked at.
STATE_FILTERS: Mapping[str, Q] = {
    "on": Q(is_on=True, killed_at=None),
    "off": Q(is_on=False, killed_at=None),
    "killed": Q(killed_at__isnull=False),
}
ARCHIVED = "archived"


@dataclass(frozen=True)
class FlagRow:
    """A flag with its states in the order of environments, and where it stands in its life."""

    flag: Flag
    states: Sequence[FlagState]
    life: Life


def list_flag_rows(
    *, now: datetime, text: str = "", state: str = "", environment: Environment | None = None
) -> list[FlagRow]:
    """Return the flags that fit with their states and lives: seven queries.

    `state` is one of `STATE_FILTERS`, in that environment, or `archived`; without it, flags in use.
    """
    flags = Flag.objects.filter(archived_at__isnull=state != ARCHIVED)
    if text:
        flags = flags.filter(Q(key__icontains=text) | Q(name__icontains=text) | Q(owner__icontains=text))
    if state in STATE_FILTERS:
        fits = FlagState.objects.filter(STATE_FILTERS[state], flag=OuterRef("pk"), environment=environment)
        flags = flags.filter(Exists(fits))
    reaching = Rule.objects.filter(state=OuterRef("pk")).exclude(variant=OuterRef("flag__off_variant"))
    states = (
        FlagState.objects.select_related("environment")
        .annotate(is_for_nobody=Q(flag__default_variant=F("flag__off_variant")) & ~Exists(reaching))
        .order_by("environment__position", "environment__key")
    )
    by_flag: dict[int, list[FlagState]] = {}
    for row in states:
        by_flag.setdefault(row.flag_id, []).append(row)
    found = list(flags)
    lives = judge_flags(found, now=now)
    return [FlagRow(flag, by_flag.get(flag.pk, []), lives[flag.pk]) for flag in found]


@dataclass(frozen=True)
class StateView:
    """A flag in one environment: its rules with who laid each, and the version a form sends back."""

    state: FlagState
    rules: Sequence[tuple[Rule, Origin | None]]
    version: int
    confirmation: Confirmation
    override: Override | None

    @property
    def is_for_nobody(self) -> bool:
        """Tell whether neither a rule nor the default gives anybody more than the flag switched off would."""
        flag = self.state.flag
        variants = {flag.default_variant, *(rule.variant for rule, _origin in self.rules)}
        return variants == {flag.off_variant}


def list_states(flag: Flag, *, now: datetime) -> list[StateView]:
    """Return a flag's states in the order of environments; the number of queries does not grow with them."""
    rows = flag.states.select_related("environment", "flag").prefetch_related("rules__segment", "rules__site")
    states = list(rows.order_by("environment__position", "environment__key"))
    origins = describe_origins({rule.origin for state in states for rule in state.rules.all()})
    versions = list_state_versions([state.pk for state in states])
    confirmations = confirm_flag(flag.pk, now=now)
    return [
        StateView(
            state,
            [(rule, origins.get(rule.origin)) for rule in state.rules.all()],
            versions[state.pk],
            confirmations[state.environment_id],
            find_override(state),
        )
        for state in states
    ]


@dataclass(frozen=True)
class Change:
    """One line of a flag's history."""

    at: datetime
    what: str
    actor: str
    reason: str


def list_changes(flag: Flag, *, limit: int = 30) -> list[Change]:
    """Return the newest changes of a flag, its states and its rules."""
    state_ids = list(flag.states.values_list("pk", flat=True))
    rows = chain(
        Flag.history.filter(id=flag.pk)[:limit],
        FlagState.history.filter(id__in=state_ids).select_related("environment")[:limit],
        Rule.history.filter(state_id__in=state_ids).select_related("state__environment", "site", "segment")[:limit],
    )
    changes = [Change(row.history_date, _what(row), row.actor_label, row.history_change_reason) for row in rows]
    return sorted(changes, key=lambda change: change.at, reverse=True)[:limit]


def _what(row: Any) -> str:
    """Return a history row's words, in the language in force."""
    if isinstance(row, Rule.history.model):
        data = {
            "place": row.state.environment.key,
            "gift": say_gift(row.variant, tuple((name, weight) for name, weight in row.split)),
            "whom": say_whom(row),
            "sign": HISTORY_SIGNS[row.history_type],
        }
        return _("%(place)s: %(sign)s rule: %(gift)s for %(whom)s") % data
    if isinstance(row, FlagState.history.model):
        state = _("switched off") if row.killed_at else _("on") if row.is_on else _("off")
        return _("%(place)s: %(state)s") % {"place": row.environment.key, "state": state}
    return str(FLAG_CHANGES[row.history_type])


def list_environment_rows() -> QuerySet[Environment]:
    """Return environments with how many valid tokens they have: one query."""
    return Environment.objects.annotate(token_count=Count("tokens", filter=Q(tokens__revoked_at=None)))


def list_segment_rows() -> QuerySet[Segment]:
    """Return segments with how many people they hold and how many rules name them: one query."""
    return Segment.objects.annotate(
        people=Count("members", distinct=True), rule_count=Count("rules", distinct=True)
    ).order_by("name")


def list_tokens() -> QuerySet[ApiToken]:
    """Return every token with its environment and last use: one query."""
    return ApiToken.objects.select_related("environment").annotate(last_used_at=F("use__last_used_at"))
