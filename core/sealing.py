"""Secrets at rest: sealed with a key made of SECRET_KEY, so that a copy of the database alone opens nothing."""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """A secret sealed under another SECRET_KEY: it has to be typed in again."""


def seal(text: str) -> str:
    """Return a secret as it is stored; an empty one stays empty."""
    return _keys().encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Return the secret; raises Unreadable."""
    if not sealed:
        return ""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def _keys() -> MultiFernet:
    """Return the key of today, which seals, and those of before, which still open."""
    return MultiFernet([Fernet(_derive(str(key))) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derive(key: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"releaseportal sealed secrets").derive(key.encode())
    return base64.urlsafe_b64encode(derived)
