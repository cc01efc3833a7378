"""The token in a stream's address: for browsers, whose EventSource sends no header (contracts §3).

It says nothing but which API token it stands for and in which period; it is signed, so nothing is
stored. The address of a token is the same throughout a period; the current and the previous
period's are good, since web clients keep the address and use it again.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class StreamKey:
    """The secret and the length of a period, in seconds."""

    secret: str
    period_seconds: int

    def period_at(self, now: datetime) -> int:
        """Return the number of the period a moment lies in."""
        return find_period(now, period_seconds=self.period_seconds)


def find_period(now: datetime, *, period_seconds: int) -> int:
    """Return the number of the period of this length in which a moment lies."""
    return int(now.timestamp()) // period_seconds


def compose_stream_token(*, token_id: int, token_hash: str, period: int, key: StreamKey) -> str:
    """Return the text that stands in the address."""
    return f"{token_id}.{period}.{_sign(token_id, token_hash, period, key)}"


def read_stream_token(
    text: str, *, find_hash: Callable[[int], str | None], now: datetime, key: StreamKey
) -> int | None:
    """Return the id of the API token an address stands for, None where it is wrong, old or revoked.

    `find_hash` gives a valid token's SHA-256 by its id, None where there is none (any more).
    """
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 18 for part in parts[:2]):
        return None
    token_id, period = int(parts[0]), int(parts[1])
    token_hash = find_hash(token_id)
    if token_hash is None or key.period_at(now) - period not in {0, 1}:
        return None
    wanted = _sign(token_id, token_hash, period, key)
    return token_id if hmac.compare_digest(parts[2].encode(), wanted.encode()) else None


def _sign(token_id: int, token_hash: str, period: int, key: StreamKey) -> str:
    text = f"ofrep-stream:{token_id}:{token_hash}:{period}"
    return hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:40]
