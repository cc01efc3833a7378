"""Reads of flags."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db import transaction
from django.db.models import F, Max, QuerySet

from core.searching import fits
from flags.definitions import define_flag, load_surroundings
from flags.domain.definition import EnvironmentDefinition, TokenDefinition
from flags.domain.purposes import Purpose
from flags.models import (
    ApiToken,
    Environment,
    EnvironmentRevision,
    Flag,
    FlagState,
    Rule,
    Segment,
    Site,
)


def get_revisions() -> dict[int, int]:
    """Return the revision of each environment by its primary key: one query."""
    return dict(EnvironmentRevision.objects.values_list("environment_id", "revision"))


def load_environment(environment_id: int) -> EnvironmentDefinition:
    """Return everything an environment serves, read from one database snapshot: eight queries."""
    with transaction.atomic():
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        counter = EnvironmentRevision.objects.select_related("environment").get(pk=environment_id)
        return _define(counter)


def load_environment_within(environment_id: int) -> EnvironmentDefinition:
    """Return everything an environment serves, as the caller's transaction sees it: what is undone again, too."""
    return _define(EnvironmentRevision.objects.select_related("environment").get(pk=environment_id))


def _define(counter: EnvironmentRevision) -> EnvironmentDefinition:
    environment = counter.environment
    surroundings = load_surroundings()
    rules: dict[int, list[Rule]] = defaultdict(list)
    for rule in Rule.objects.filter(state__environment=environment).order_by("state_id", "position"):
        rules[rule.state_id].append(rule)
    states = FlagState.objects.filter(environment=environment, flag__archived_at=None)
    flags = {
        state.flag.key: define_flag(state, rules[state.pk], surroundings)
        for state in states.select_related("flag", "environment").order_by("flag__key")
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
        site_keys=frozenset(surroundings.site_keys.values()),
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


def get_flag_names(keys: Collection[str] | None = None) -> dict[str, str]:
    """Return the name of each flag, or of those keys, archived ones too, by its key: one query."""
    flags = Flag.objects.order_by() if keys is None else Flag.objects.order_by().filter(key__in=keys)
    return dict(flags.values_list("key", "name"))


def get_site_names() -> dict[str, str]:
    """Return the name of each site by its key: one query."""
    return dict(Site.objects.order_by().values_list("key", "name"))


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


def list_environment_choices() -> list[tuple[str, str]]:
    """Return environments by key, and by name with the key that pages call them by, for choices elsewhere."""
    rows = Environment.objects.order_by("name").values_list("key", "name")
    return [(key, name if name == key else f"{name} ({key})") for key, name in rows]


def list_site_choices() -> list[tuple[str, str]]:
    """Return sites by key and name, for choices elsewhere."""
    return list(Site.objects.order_by("name").values_list("key", "name"))
