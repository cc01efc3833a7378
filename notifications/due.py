"""Sources of what is due: each app says what of its own has a date, and whom it is for.

A source reads everybody's at once, so that a round over all people asks each source once: a fixed number of queries
for each source, whoever and however many read.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from django.db import DatabaseError, transaction
from django.utils.functional import Promise

from core.errors import Refusal
from notifications.domain.due import DueItem

log = logging.getLogger(__name__)


class ListDue(Protocol):
    """Returns what is overdue at `now` or due before `until`, for whomever."""

    def __call__(self, *, now: datetime, until: datetime) -> Iterable[DueItem]: ...


@dataclass(frozen=True)
class Source:
    """What has a date of one kind. `label`: what one of them is called, e.g. "Measure"."""

    key: str
    label: str | Promise
    list_due: ListDue


_SOURCES: dict[str, Source] = {}


def register(key: str, label: str | Promise, list_due: ListDue) -> None:
    """Add a source; each app does when it is ready."""
    _SOURCES[key] = Source(key, label, list_due)


def list_sources() -> list[Source]:
    """Return the sources in the order in which the apps gave them."""
    return list(_SOURCES.values())


def get_label(key: str) -> str | Promise:
    """Return what an item of a source is called, its key where this version has no such source any more."""
    source = _SOURCES.get(key)
    return key if source is None else source.label


def list_due_items(*, now: datetime, until: datetime) -> list[DueItem]:
    """Return what is due by all sources; one that fails is logged and hides none of the others."""
    return [item for source in list_sources() for item in _ask(source, now=now, until=until)]


def _ask(source: Source, *, now: datetime, until: datetime) -> list[DueItem]:
    try:
        with transaction.atomic():
            return [replace(item, source=source.key) for item in source.list_due(now=now, until=until)]
    except (Refusal, DatabaseError):
        log.exception("what is due of %s: not known this time", source.key)
        return []
