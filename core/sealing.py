"""Secrets that the portal must read again, sealed before they are stored.

Sealed with a key made from `SECRET_KEY` for one purpose: who has the database alone reads nothing,
and what is sealed for one purpose opens for no other. A changed `SECRET_KEY` opens what was sealed
before as long as the old one stands in Django's `SECRET_KEY_FALLBACKS`.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

KEY_BYTES = 32


class Unsealable(Exception):
    """What was sealed does not open: with another key, for another purpose, or damaged."""


def seal(text: str, *, purpose: str) -> str:
    """Return a text sealed for a purpose; each time another."""
    return _box(purpose).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, *, purpose: str) -> str:
    """Return what was sealed for this purpose; raises Unsealable."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unsealable(purpose) from None


def _box(purpose: str) -> MultiFernet:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key_of(secret, purpose=purpose)) for secret in secrets])


def _key_of(secret: str | bytes, *, purpose: str) -> bytes:
    derive = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"releaseportal:{purpose}".encode())
    return base64.urlsafe_b64encode(derive.derive(force_bytes(secret)))
