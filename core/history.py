"""History of every tracked model: who, when, why, through what. No actor, no write.

A transition opens `recorded(...)` around its saves; outside of it a tracked model cannot be saved
or deleted at all. history tables are append-only in the database (core/protection.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from core.actors import Actor
from core.errors import InvalidInput

MAX_REASON_CHARACTERS = 2_000
#: Rows written by one statement.
BATCH = 2_000

Tracked = TypeVar("Tracked", bound=models.Model)


class NoActor(RuntimeError):
    """A tracked model was saved outside `recorded(...)`: a fault in the code, not in the input."""


@dataclass(frozen=True)
class Recording:
    actor: Actor
    reason: str
    now: datetime


_recording: ContextVar[Recording | None] = ContextVar("recording", default=None)


def check_reason(reason: str) -> str:
    """Return the reason without surrounding space; refuse an empty, endless or unreadable one."""
    reason = reason.strip()
    if not reason:
        raise InvalidInput("reason_missing")
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InvalidInput("reason_too_long", limit=MAX_REASON_CHARACTERS)
    if "\x00" in reason:
        raise InvalidInput("reason_unreadable")
    return reason


@contextmanager
def recorded(*, actor: Actor, reason: str, now: datetime) -> Iterator[Recording]:
    """Give every save and delete within the block its actor, reason and time."""
    recording = Recording(actor=actor, reason=check_reason(reason), now=now)
    mark = _recording.set(recording)
    try:
        yield recording
    finally:
        _recording.reset(mark)


def get_recording() -> Recording:
    """Return the recording in force; raises NoActor where there is none."""
    recording = _recording.get()
    if recording is None:
        raise NoActor("a tracked model was written outside core.history.recorded()")
    return recording


#: What records each tracked model.
_TRACKED: dict[type[models.Model], "TrackedHistory"] = {}


class HistoryRow(models.Model):
    """What every history row holds beside the library's own columns."""

    actor_kind = models.CharField(max_length=10)
    actor_label = models.CharField(max_length=200)

    class Meta:
        abstract = True


class TrackedHistory(HistoricalRecords):  # type: ignore[misc]  # the library has no types
    """The library's records with our actor; people named in history cannot be deleted."""

    def _get_history_user_fields(self) -> dict[str, Any]:
        return {
            "history_user": models.ForeignKey(
                settings.AUTH_USER_MODEL, null=True, related_name="+", on_delete=models.PROTECT
            )
        }

    def finalize(self, sender: type[models.Model], **options: Any) -> None:
        super().finalize(sender, **options)
        _TRACKED[sender] = self

    def create_historical_record(self, instance: Any, history_type: str, using: str | None = None) -> None:
        row = self.write_down(instance, history_type)
        row.save()
        self.create_historical_record_m2ms(row, instance)

    def write_down(self, instance: Any, history_type: str) -> Any:
        """Return the history row of an instance as it is, not saved yet."""
        recording = get_recording()
        history = getattr(instance, self.manager_name).model
        values = {field.attname: getattr(instance, field.attname) for field in self.fields_included(instance)}
        return history(
            history_date=recording.now,
            history_type=history_type,
            history_user_id=recording.actor.user_id,
            history_change_reason=recording.reason,
            actor_kind=recording.actor.kind,
            actor_label=recording.actor.label[:200],
            **values,
        )


def create_many(rows: Sequence[Tracked]) -> None:
    """Save new rows of one tracked model together, each with its line of history: a plan may have fifty thousand.

    The one way round `save()` for a tracked model: `bulk_create` itself writes no history.
    """
    if not rows:
        return
    model = type(rows[0])
    manager = model._default_manager
    created = manager.bulk_create(rows, batch_size=BATCH)
    lines = [_TRACKED[model].write_down(row, "+") for row in created]
    type(lines[0]).objects.bulk_create(lines, batch_size=BATCH)


def track(**options: Any) -> TrackedHistory:
    """Return the history descriptor of a tracked model: `history = track()`."""
    return TrackedHistory(bases=(HistoryRow,), **options)
