"""The customer's rule: more than ten complaints on a day, investigate."""

DAILY_COMPLAINT_LIMIT = 10


def is_over_limit(count: int) -> bool:
    """Tell whether a day's count is the eleventh or beyond."""
    return count > DAILY_COMPLAINT_LIMIT
