"""Signatures by Standard Webhooks (https://www.standardwebhooks.com): who receives can tell that it is ours."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
#: Between the 24 and 64 bytes that the specification asks for.
SECRET_BYTES = 32


def write_secret(random: bytes) -> str:
    """Return a signing secret as the specification writes it, from random bytes."""
    return PREFIX + base64.b64encode(random).decode("ascii")


def sign(*, message_id: str, body: bytes, secrets: Sequence[str], now: datetime) -> dict[str, str]:
    """Return the headers of a message; while a secret is replaced, it is signed with both of them."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [hmac.new(_key_of(secret), signed, hashlib.sha256).digest() for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode('ascii')}" for one in signatures),
    }


def _key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))
