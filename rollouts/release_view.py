"""What the page of a release shows: what is in it, where it is out, to whom and since when, and its rollouts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flags.domain.standing import Extent
from flags.models import Environment, Site
from flags.standing_queries import Standing, list_standings
from recovery.migration_queries import MigrationRow, list_migrations
from rollouts.dependant import ORIGIN
from rollouts.models import Release, ReleaseFlag, Rollout
from rollouts.queries import list_rollouts
from rollouts.track import Summary, prefetch_track, summarise_all

#: So many sites are named before the rest is counted.
NAMED_SITES = 6


@dataclass(frozen=True)
class Out:
    """A flag where it is out, with the sites by name: `sites` that have it, `but` those kept off, of `total`."""

    standing: Standing
    sites: Sequence[str]
    but: Sequence[str]
    total: int


@dataclass(frozen=True)
class Where:
    """One environment: what is out there, what a rehearsal alone has put out, what was cut, what is off."""

    environment: Environment
    out: Sequence[Out]
    rehearsed: Sequence[Out]
    killed: Sequence[Standing]
    off: Sequence[Standing]


@dataclass(frozen=True)
class ReleasePage:
    release: Release
    flags: Sequence[ReleaseFlag]
    places: Sequence[Where]
    rollouts: Sequence[Summary]
    rehearsals: Sequence[Summary]
    migrations: Sequence[MigrationRow]

    @property
    def is_out(self) -> bool:
        """Whether anything of it is out anywhere, rehearsals apart."""
        return any(place.out for place in self.places)


def compose_release(release: Release, *, now: datetime) -> ReleasePage:
    """Return what the page of a release shows, in a bounded number of queries."""
    flags = list(release.release_flags.select_related("flag").order_by("position"))
    standings = list_standings([row.flag_id for row in flags])
    summaries = summarise_all(list(prefetch_track(list_rollouts().filter(release=release))), now=now)
    return ReleasePage(
        release=release,
        flags=flags,
        places=_list_places(standings),
        rollouts=[one for one in summaries if not one.rollout.is_rehearsal],
        rehearsals=[one for one in summaries if one.rollout.is_rehearsal],
        migrations=list_migrations(release.version),
    )


def list_out(release: Release, *, environment: Environment) -> list[Out]:
    """Return how far each flag of a release is out in one environment, in the release's order."""
    ids = list(release.release_flags.order_by("position").values_list("flag_id", flat=True))
    sites = dict(Site.objects.values_list("key", "name"))
    return [_name_sites(one, sites) for one in list_standings(ids) if one.state.environment_id == environment.pk]


def _list_places(standings: Sequence[Standing]) -> list[Where]:
    sites = dict(Site.objects.values_list("key", "name"))
    rehearsals = _find_rehearsals(standings)
    return [
        _view_place(environment, list(group), sites=sites, rehearsals=rehearsals)
        for environment, group in groupby(standings, key=lambda one: one.state.environment)
    ]


def _find_rehearsals(standings: Sequence[Standing]) -> set[str]:
    """Return those of the rules' origins that are rehearsals: one query."""
    origins = {origin for one in standings for origin in one.origins}
    ids = {origin: int(found[1]) for origin in origins if (found := ORIGIN.fullmatch(origin))}
    rows = Rollout.objects.filter(pk__in=set(ids.values()), is_rehearsal=True)
    rehearsals = set(rows.values_list("pk", flat=True))
    return {origin for origin, pk in ids.items() if pk in rehearsals}


def _view_place(
    environment: Environment, standings: Sequence[Standing], *, sites: Mapping[str, str], rehearsals: set[str]
) -> Where:
    out = [one for one in standings if one.is_out]
    rehearsed = [one for one in out if one.origins and one.origins <= rehearsals]
    return Where(
        environment=environment,
        out=[_name_sites(one, sites) for one in out if one not in rehearsed],
        rehearsed=[_name_sites(one, sites) for one in rehearsed],
        killed=[one for one in standings if one.extent is Extent.KILLED],
        off=[one for one in standings if not one.is_out and one.extent is not Extent.KILLED],
    )


def _name_sites(standing: Standing, sites: Mapping[str, str]) -> Out:
    on, but = (sorted(sites[key] for key in keys) for keys in (standing.reached.sites, standing.reached.but))
    return Out(standing, on, but, len(sites))
