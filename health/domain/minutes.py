"""Minutes, by which lanes count and sums are kept."""

from datetime import datetime, timedelta

A_MINUTE = timedelta(minutes=1)


def floor_minute(moment: datetime) -> datetime:
    """Return when a moment's minute began."""
    return moment.replace(second=0, microsecond=0)
