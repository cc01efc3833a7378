"""Who sees a flag, as health judges it; rollouts make this value and pass it down."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Exposure:
    """A flag that is on for somebody in an environment since a moment.

    `subject` is opaque to health (e.g. `rollout:12`), `epoch` goes back with the judgement so that
    a late one can be dropped; `is_newest` marks the flag activated last. What happened before
    `seen_at` a person or a guardrail has dealt with: the ratio lanes do not judge it again.
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

    def covers_site(self, site_key: str) -> bool:
        """Tell whether the whole site sees the flag."""
        return self.everyone or site_key in self.site_keys
