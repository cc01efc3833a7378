"""Who a program is, from memory: tokens come with the snapshots. Notes their last use."""

import threading
from datetime import datetime, timedelta

from flags.domain.tokens import TokenIdentity, hash_token
from flags.models import ApiToken, TokenUse
from flags.snapshots import KEEPER

#: A token in steady use is written this often.
QUIET = timedelta(seconds=5)


class TokenUses:
    """Last uses, gathered in memory and written now and then: the hot path writes nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: dict[int, datetime] = {}
        self._written: dict[int, datetime] = {}

    def note(self, token_id: int, *, now: datetime) -> None:
        """Remember that a token was used."""
        self._uses[token_id] = now

    def flush(self) -> int:
        """Write what was remembered; return how many tokens. What cannot be written is kept for the next time."""
        with self._lock:
            found, self._uses = self._uses, {}
            due = {pk: at for pk, at in found.items() if self._is_due(pk, at)}
            try:
                existing = set(ApiToken.objects.filter(pk__in=due).values_list("pk", flat=True)) if due else set()
                rows = [TokenUse(token_id=pk, last_used_at=at) for pk, at in sorted(due.items()) if pk in existing]
                TokenUse.objects.bulk_create(
                    rows, update_conflicts=True, unique_fields=["token"], update_fields=["last_used_at"]
                )
            except BaseException:
                self._uses = found | self._uses
                raise
            self._written.update(due)
            return len(rows)

    def _is_due(self, token_id: int, at: datetime) -> bool:
        before = self._written.get(token_id)
        return before is None or at - before >= QUIET


USES = TokenUses()


def authenticate(raw: str) -> TokenIdentity | None:
    """Return whose token this is, None for an unknown or revoked one. Touches no database."""
    portfolio = KEEPER.portfolio
    return None if portfolio is None else portfolio.tokens.get(hash_token(raw))


def find_identity(token_id: int) -> TokenIdentity | None:
    """Return a valid token's identity by its id, None for an unknown or revoked one."""
    portfolio = KEEPER.portfolio
    return None if portfolio is None else portfolio.tokens_by_id.get(token_id)
