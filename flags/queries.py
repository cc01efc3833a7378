"""Reads of flags."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F, Max, QuerySet

from core.searching import fits
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.definition import EnvironmentDefinition, FlagDefinition, RuleDefinition, TokenDefinition
from flags.domain.purposes import Purpose
from flags.models import (
    ApiToken,
    Environment,
    EnvironmentRevision,
    Flag,
    FlagState,
    Rule,
    Segment,
    SegmentMember,
    Site,
    Till,
)


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


def list_state_versions(state_ids: Collection[int]) -> dict[int, int]:
    """Return for each state what grows with every change of it or its rules: two queries.

    It is the sum of the newest history ids of both: what a page saw, to notice a change meanwhile.
    """
    versions = dict.fromkeys(state_ids, 0)
    for rows, column in ((FlagState.history, "id"), (Rule.history, "state_id")):
        newest = rows.filter(**{f"{column}__in": state_ids}).order_by().values_list(column)
        for pk, history_id in newest.annotate(newest=Max("history_id")):
            versions[pk] += history_id
    return versions


def get_state_version(state: FlagState) -> int:
    """Return the version of one state (see `list_state_versions`)."""
    return list_state_versions([state.pk])[state.pk]


def get_flag_version(flag: Flag) -> int:
    """Return the newest history id of a flag's own row."""
    return Flag.history.filter(id=flag.pk).aggregate(newest=Max("history_id"))["newest"] or 0


@dataclass(frozen=True)
class Reach:
    """Whom an audience holds, in numbers; people are those a segment names."""

    sites: int
    tills: int
    people: int


def measure_audience(audience: RuleAudience) -> Reach:
    """Return whom an audience holds: at most two queries."""
    if audience.kind is RuleKind.SEGMENT:
        return Reach(0, 0, SegmentMember.objects.filter(segment_id=audience.segment_id or 0).count())
    if audience.kind is RuleKind.SITE:
        return Reach(1, Till.objects.filter(site_id=audience.site_id or 0).count(), 0)
    return Reach(Site.objects.count(), Till.objects.count(), 0)


def search_flags(words: Sequence[str]) -> QuerySet[Flag]:
    """Return the flags with these words, those in use first."""
    rows = Flag.objects.filter(fits(words, "key", "name", "description", "owner"))
    return rows.order_by(F("archived_at").asc(nulls_first=True), "key")


def search_sites(words: Sequence[str]) -> QuerySet[Site]:
    """Return the sites with these words in their names, town or people."""
    return Site.objects.filter(fits(words, "key", "name", "city", "postal_code", "contact_name", "backup_name"))


def search_segments(words: Sequence[str]) -> QuerySet[Segment]:
    """Return the segments with these words."""
    return Segment.objects.filter(fits(words, "key", "name", "description"))
