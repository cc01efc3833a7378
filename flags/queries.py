"""Reads of flags."""

from collections import defaultdict

from django.db import transaction

from flags.domain.audience import RuleKind
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition, TokenDefinition
from flags.domain.purposes import Purpose
from flags.models import ApiToken, Environment, EnvironmentRevision, FlagState, Rule, SegmentMember, Site


def get_revisions() -> dict[int, int]:
    """Return the revision of each environment by its primary key: one query."""
    return dict(EnvironmentRevision.objects.values_list("environment_id", "revision"))


def load_environment(environment_id: int) -> EnvironmentDefinition:
    """Return everything an environment serves, read from one database snapshot: seven queries."""
    with transaction.atomic():
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        counter = EnvironmentRevision.objects.select_related("environment").get(pk=environment_id)
        return _define(counter)


def _define(counter: EnvironmentRevision) -> EnvironmentDefinition:
    environment = counter.environment
    people: dict[int, set[str]] = defaultdict(set)
    for segment_id, key in SegmentMember.objects.values_list("segment_id", "targeting_key"):
        people[segment_id].add(key)
    site_keys = dict(Site.objects.values_list("pk", "key"))
    rules: dict[int, list[RuleDefinition]] = defaultdict(list)
    for rule in Rule.objects.filter(state__environment=environment).order_by("state_id", "position"):
        rules[rule.state_id].append(
            RuleDefinition(
                kind=RuleKind(rule.kind),
                variant=rule.variant,
                phase=rule.phase,
                people=frozenset(people.get(rule.segment_id or 0, ())),
                site_key=site_keys.get(rule.site_id or 0, ""),
            )
        )
    states = FlagState.objects.filter(environment=environment, flag__archived_at=None).select_related("flag")
    flags = {
        state.flag.key: FlagDefinition(
            key=state.flag.key,
            variants=state.flag.variants,
            default_variant=state.flag.default_variant,
            off_variant=state.flag.off_variant,
            is_on=state.is_on,
            is_killed=state.is_killed,
            rules=tuple(rules.get(state.pk, ())),
            criticality=state.flag.criticality,
        )
        for state in states.order_by("flag__key")
    }
    tokens = ApiToken.objects.filter(environment=environment, revoked_at=None)
    return EnvironmentDefinition(
        environment_id=environment.pk,
        key=environment.key,
        revision=counter.revision,
        changed_at=counter.changed_at,
        flags=flags,
        tokens=tuple(TokenDefinition(row.pk, row.token_hash, Purpose(row.purpose)) for row in tokens),
        allowed_origins=tuple(environment.allowed_origins),
        site_keys=frozenset(site_keys.values()),
    )


def find_environment(key: str) -> Environment | None:
    """Return the environment of this key, None where there is none."""
    return Environment.objects.filter(key=key).first()
