"""Who a program is, from memory: tokens come with the snapshots. Notes their last use."""

import threading
from dataclasses import dataclass
from datetime import datetime

from flags.domain.purposes import Purpose
from flags.domain.tokens import hash_token
from flags.models import ApiToken, TokenUse
from flags.snapshots import KEEPER


@dataclass(frozen=True)
class TokenIdentity:
    """A valid token's environment and purpose."""

    token_id: int
    environment_id: int
    environment_key: str
    purpose: Purpose


class TokenUses:
    """Last uses, gathered in memory and written now and then: the hot path writes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: dict[int, datetime] = {}

    def note(self, token_id: int, *, now: datetime) -> None:
        """Remember that a token was used."""
        with self._lock:
            self._uses[token_id] = now

    def flush(self) -> int:
        """Write what was remembered; return how many tokens."""
        with self._lock:
            uses, self._uses = self._uses, {}
        existing = set(ApiToken.objects.filter(pk__in=uses).values_list("pk", flat=True))
        rows = [TokenUse(token_id=pk, last_used_at=at) for pk, at in sorted(uses.items()) if pk in existing]
        TokenUse.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["token"], update_fields=["last_used_at"]
        )
        return len(rows)


USES = TokenUses()


def authenticate(raw: str) -> TokenIdentity | None:
    """Return whose token this is, None for an unknown or revoked one. Touches no database."""
    portfolio = KEEPER.portfolio
    if portfolio is None:
        return None
    found = portfolio.tokens.get(hash_token(raw))
    if found is None:
        return None
    environment_id, token = found
    definition = portfolio.snapshots[environment_id].definition
    return TokenIdentity(token.token_id, environment_id, definition.key, token.purpose)
