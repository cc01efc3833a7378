"""Times as programs send them."""

import re
from datetime import UTC, datetime

#: RFC 3339 §5.6; `datetime.fromisoformat` alone would also take week dates and missing seconds.
_RFC_3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")


def find_moment(value: object) -> datetime | None:
    """Return an RFC 3339 time in UTC, to the microsecond; None for anything else."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value.upper()):
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
