"""The one place that reads the clock, and the zone it hangs in; only views, tasks and commands call it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils import timezone


def now() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def get_zone() -> ZoneInfo:
    """Return the portal's zone, in which its days and months begin."""
    return ZoneInfo(timezone.get_default_timezone_name())
