"""The form of a dossier's facts: plain values. Their hash is that of `rollouts.domain.approving.hash_content`. Pure."""

from datetime import UTC, datetime

KIND = "release-dossier"
SCHEMA = 1


def write_moment(value: datetime | None) -> str | None:
    """Return a moment as the facts hold it: UTC, whole seconds."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count_seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Return the whole seconds from one moment to another, None where one of them is not there."""
    return None if start is None or end is None else int((end - start).total_seconds())


def read_moment(text: str) -> datetime:
    """Return a moment of the facts."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
