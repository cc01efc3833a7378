"""Flags as files: what is written."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, cast

from django.db.models import Prefetch

from core.domain.yaml_writing import write_documents
from core.errors import InvalidInput
from core.filing import find_schema_url
from flags.domain.audience import RuleKind
from flags.domain.flag_file import (
    FORMAT,
    AnyRule,
    EnvironmentFile,
    EveryoneFile,
    FlagFile,
    PieceFile,
    SegmentFile,
    SiteFile,
    WhereFile,
    settle,
    write_conditions,
    write_document,
)
from flags.domain.values import ValueType
from flags.models import Environment, Flag, FlagState, Rule

#: By the flag's key, the keys of the environments to be told of.
Places = Mapping[str, Collection[str]]


def export_flags(keys: Collection[str] = (), *, environment_keys: Collection[str] = ()) -> str:
    """Return flags as one file, by key: those named, whatever their state, else all in use.

    Of each environment named, else of all, it tells on or off and the rules that people laid.
    """
    flags = Flag.objects.filter(key__in=keys) if keys else Flag.objects.filter(archived_at=None)
    if missing := set(keys) - {flag.key for flag in flags}:
        raise InvalidInput("flag_not_there", flag=min(missing))
    known = {environment.key for environment in get_environments(environment_keys)}
    places = {flag.key: known for flag in flags}
    documents = describe_flags(flags, places)
    return write_documents(
        (write_document(documents[key]) for key in sorted(documents)), schema_url=find_schema_url(FORMAT)
    )


def get_environments(keys: Collection[str]) -> list[Environment]:
    """Return the environments named, all with no name; refuse one there is not."""
    found = {environment.key: environment for environment in Environment.objects.all()}
    for key in keys:
        if key not in found:
            raise InvalidInput("environment_not_there", environment=key, known=", ".join(found))
    return [found[key] for key in sorted(set(keys) or found)]


def describe_flags(flags: Iterable[Flag], places: Places) -> dict[str, FlagFile]:
    """Return flags as documents, by key: three queries, however many."""
    by_key = {flag.key: flag for flag in flags}
    rules = Prefetch("rules", Rule.objects.select_related("segment", "site"))
    rows = FlagState.objects.filter(flag__in=by_key.values()).select_related("flag", "environment")
    states: dict[str, dict[str, FlagState]] = {}
    for state in rows.prefetch_related(rules):
        if state.environment.key in places[state.flag.key]:
            states.setdefault(state.flag.key, {})[state.environment.key] = state
    return {key: _describe(flag, states.get(key, {})) for key, flag in by_key.items()}


def _describe(flag: Flag, states: Mapping[str, FlagState]) -> FlagFile:
    return settle(
        FlagFile(
            kind="flag",
            schema=1,
            key=flag.key,
            name=flag.name,
            description=flag.description,
            value_type=ValueType(flag.value_type),
            variants=cast("dict[str, Any]", flag.values),
            default_variant=flag.default_variant,
            off_variant=flag.off_variant,
            criticality=cast('Literal["critical", "important", "minor"]', str(flag.criticality)),
            owner=flag.owner,
            cashier_note_fr=flag.cashier_note_fr,
            documentation_url=flag.documentation_url,
            expires_on=None if flag.expires_on is None else flag.expires_on.isoformat(),
            is_permanent=flag.is_permanent,
            environments={key: _describe_state(state) for key, state in states.items()},
        )
    )


def _describe_state(state: FlagState) -> EnvironmentFile:
    own = (rule for rule in state.rules.all() if not rule.origin)
    return EnvironmentFile(is_on=state.is_on, rules=tuple(map(_describe_rule, own)))


def _describe_rule(rule: Rule) -> AnyRule:
    given: dict[str, Any] = {
        "variant": rule.variant,
        "split": tuple(PieceFile(variant=name, weight_bp=weight) for name, weight in rule.pieces),
    }
    if rule.kind == RuleKind.SEGMENT and rule.segment:
        return SegmentFile(segment=rule.segment.key, **given)
    if rule.kind == RuleKind.SITE and rule.site:
        return SiteFile(site=rule.site.key, **given)
    if rule.kind == RuleKind.CONDITIONS:
        return WhereFile(conditions=write_conditions(rule.asked), **given)
    return EveryoneFile(**given)
