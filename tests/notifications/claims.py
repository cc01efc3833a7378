"""What a courier claims, where a test has one mail in mind."""

from datetime import datetime

from notifications.models import Delivery
from notifications.transitions import claim_mails


def claim_delivery(*, now: datetime) -> Delivery | None:
    """Return the one delivery that is claimed, None where nothing is."""
    mails = claim_mails(now=now)
    assert len(mails) < 2
    return mails[0] if mails else None
