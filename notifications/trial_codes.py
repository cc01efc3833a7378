"""The code in a test message: made when it is sent and stored nowhere, so that only its reader knows it."""

import base64

from django.utils.crypto import salted_hmac

TEST_KIND = "channel_test"
CHARACTERS = 6


def code_of(delivery_id: int) -> str:
    """Return a test's code: letters and digits that nobody mistakes for each other when they are read out."""
    digest = salted_hmac("notifications.trial", str(delivery_id), algorithm="sha256").digest()
    return base64.b32encode(digest).decode("ascii")[:CHARACTERS]


def is_code_of(delivery_id: int, typed: str) -> bool:
    """Tell whether somebody typed a test's code, in any case of letters and with spaces."""
    return "".join(typed.split()).upper() == code_of(delivery_id)
