"""Who sees a flag, as health judges it; rollouts make this value and pass it down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Exposure:
    """A flag that is on for somebody in an environment since a moment.

    `subject` is opaque to health (e.g. `rollout:12`), `epoch` goes back with the judgement so that
    a late one can be dropped; `is_newest` marks the flag activated last. What happened before
    `seen_at` a person or a guardrail has dealt with: only the critical lane judges it again.
    `site_since` and `everyone_since` say since when a whole site, or everyone, sees it.
    """

    flag_key: str
    environment_key: str
    since: datetime
    everyone: bool
    site_keys: frozenset[str]
    subject: str
    epoch: int
    is_newest: bool = False
    seen_at: datetime | None = None
    site_since: Mapping[str, datetime] = field(default_factory=dict)
    everyone_since: datetime | None = None

    @property
    def blamed_from(self) -> datetime:
        """Return from when on what happens can be the flag's doing, and is not yet dealt with."""
        return max(self.since, self.seen_at or self.since)

    def covers_site(self, site_key: str) -> bool:
        """Tell whether the whole site sees the flag."""
        return self.everyone or site_key in self.site_keys

    def find_site_since(self, site_key: str) -> datetime | None:
        """Return since when the whole site sees the flag, None where it does not."""
        if not self.covers_site(site_key):
            return None
        known = [moment for moment in (self.site_since.get(site_key), self.everyone_since) if moment is not None]
        return min(known, default=self.since)


def list_exposed_sites(exposures: Iterable[Exposure]) -> frozenset[str] | None:
    """Return the keys of the sites that see any of these flags, None where everyone sees one."""
    keys: set[str] = set()
    for exposure in exposures:
        if exposure.everyone:
            return None
        keys |= exposure.site_keys
    return frozenset(keys)
