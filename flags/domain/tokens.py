"""What a token looks like and how it is stored."""

import hashlib
from dataclasses import dataclass

from flags.domain.purposes import Purpose

#: Characters shown of a token after its creation, to tell it from others.
PREFIX_CHARACTERS = 12


def hash_token(raw: str) -> str:
    """Return the SHA-256 of a token, hexadecimal: tokens are random, so a plain hash is enough."""
    return hashlib.sha256(raw.encode()).hexdigest()


def compose_token(*, purpose: Purpose, secret: str) -> str:
    """Return a token's text: purpose first, so that a person sees what it is for."""
    return f"rp_{purpose}_{secret}"


@dataclass(frozen=True)
class TokenIdentity:
    """A valid token's environment and purpose."""

    token_id: int
    environment_id: int
    environment_key: str
    purpose: Purpose
    token_hash: str
