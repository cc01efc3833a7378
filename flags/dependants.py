"""What stands above the flags and uses them, without this app importing it.

An app that lays rules or builds on flags and segments registers itself when it is ready.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from core.errors import Refusal

if TYPE_CHECKING:
    # Apps register themselves before there are models.
    from flags.models import Flag, Site


@dataclass(frozen=True)
class Origin:
    """Who laid a rule: words and the address of its page."""

    label: str
    url: str


@dataclass(frozen=True)
class OnDuty:
    """Who answers the phone for a site."""

    name: str
    phone: str
    hours: str


@dataclass(frozen=True)
class GoneHere:
    """What was taken back at a site and is off there since: what brought it, when by its clock, why, which flags."""

    brought_by: Origin
    at: datetime
    is_today: bool
    reason: str
    flags: "Sequence[Flag]"

    @property
    def clock(self) -> str:
        """The time of day there."""
        return f"{self.at:%H:%M}"


@dataclass(frozen=True)
class SiteNews:
    """What happens at a site today: who is on duty, where support is heightened, flags that arrive or are gone."""

    is_heightened: bool
    duty: Sequence[OnDuty]
    arriving: "Sequence[Flag]"
    gone: Sequence[GoneHere] = ()


class Dependant(Protocol):
    """What an app above says of its uses."""

    def describe_origins(self, origins: Collection[str]) -> Mapping[str, Origin]:
        """Return those of these rules' origins that are its own."""

    def list_uses_of_flags(self, flag_ids: Collection[int]) -> Mapping[int, list[str]]:
        """Return, by flag, labels of what would break without it."""

    def list_drivers(self, *, flag_id: int, environment_id: int) -> list[Origin]:
        """Return what changes the flag's rules there on its own, now or soon."""

    def list_uses_of_segment(self, segment_id: int) -> list[str]:
        """Return labels of what would break without the segment."""

    def list_bound_uses(self, segment_id: int) -> list[str]:
        """Return labels of what was approved for the segment's people as they are: nobody may be added."""

    def find_site_news(self, site: "Site", *, now: datetime) -> SiteNews:
        """Return what happens at a site today."""


_DEPENDANTS: list[Dependant] = []


def register(dependant: Dependant) -> None:
    """Ask this app too from now on."""
    _DEPENDANTS.append(dependant)


def describe_origins(origins: Collection[str]) -> dict[str, Origin]:
    """Return who laid rules of these origins; empty origins are a person's own and left out."""
    wanted = {origin for origin in origins if origin}
    if not wanted:
        return {}
    return {key: origin for one in _DEPENDANTS for key, origin in one.describe_origins(wanted).items()}


def list_uses_of_flag(flag_id: int) -> list[str]:
    """Return labels of everything above that needs a flag."""
    return list_uses_of_flags([flag_id])[flag_id]


def list_uses_of_flags(flag_ids: Collection[int]) -> dict[int, list[str]]:
    """Return, for each flag, labels of everything above that needs it."""
    found = [one.list_uses_of_flags(flag_ids) for one in _DEPENDANTS]
    return {pk: [label for uses in found for label in uses.get(pk, [])] for pk in flag_ids}


def list_drivers(*, flag_id: int, environment_id: int) -> list[Origin]:
    """Return everything above that drives a flag in an environment."""
    return [
        driver for one in _DEPENDANTS for driver in one.list_drivers(flag_id=flag_id, environment_id=environment_id)
    ]


def list_uses_of_segment(segment_id: int) -> list[str]:
    """Return labels of everything above that needs a segment."""
    return [label for one in _DEPENDANTS for label in one.list_uses_of_segment(segment_id)]


def check_may_grow(segment_id: int) -> None:
    """Refuse to let a segment hold for more people while something above was approved for those that it has."""
    if uses := [label for one in _DEPENDANTS for label in one.list_bound_uses(segment_id)]:
        raise Refusal("segment_bound", uses=", ".join(uses))


def list_site_news(site: "Site", *, now: datetime) -> list[SiteNews]:
    """Return what each app above says of a site's day."""
    return [one.find_site_news(site, now=now) for one in _DEPENDANTS]
