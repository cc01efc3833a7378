"""History of every tracked model: who, when, why, through what. No actor, no write.

A transition opens `recorded(...)` around its saves; outside of it a tracked model cannot be saved
or deleted at all. history tables are append-only in the database (core/protection.py).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connection, models
from psycopg import sql
from simple_history.models import HistoricalRecords
from simple_history.utils import get_history_model_for_model

from core.actors import Actor
from core.errors import InvalidInput

MAX_REASON_CHARACTERS = 2_000
#: Rows written by one statement.
BATCH = 2_000


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


@cache
def get_history_model(model: type[models.Model]) -> type[models.Model]:
    """Return the model of a tracked model's history rows, asked for once: the library builds its manager anew."""
    found: type[models.Model] = get_history_model_for_model(model)
    return found


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

    def create_historical_record(self, instance: Any, history_type: str, using: str | None = None) -> None:
        values = {field.attname: getattr(instance, field.attname) for field in self.fields_included(instance)}
        row = get_history_model(instance.__class__)(**_describe(history_type), **values)
        row.save()
        if history_type != "+":
            # What has just been made has no relations yet; each that follows writes a row of its own.
            self.create_historical_record_m2ms(row, instance)


def _describe(history_type: str) -> dict[str, Any]:
    """Return what a history row says of its change, by column."""
    recording = get_recording()
    return {
        "history_date": recording.now,
        "history_type": history_type,
        "history_user_id": recording.actor.user_id,
        "history_change_reason": recording.reason,
        "actor_kind": recording.actor.kind,
        "actor_label": recording.actor.label[:200],
    }


def create_many(rows: Sequence[models.Model]) -> None:
    """Save new rows of one tracked model together, each with its line of history: a plan may have fifty thousand.

    The one way round `save()` for a tracked model: `bulk_create` itself writes no history. The database copies
    what it has stored, which takes a fraction of what building each line here took.
    """
    if not rows:
        return
    described = _describe("+")
    model = type(rows[0])
    created = model._default_manager.bulk_create(rows, batch_size=BATCH)
    _copy_into_history(model, [row.pk for row in created], described)


def save_many(rows: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Save the named fields of stored rows of one tracked model together, each row with its line of history."""
    if not rows:
        return
    described = _describe("~")
    model = type(rows[0])
    pk = model._meta.pk
    known = {field.name: field for field in model._meta.concrete_fields}
    columns = [known[name] for name in fields]
    names = [sql.Identifier(str(field.column)) for field in columns]
    types = [sql.SQL(str(field.rel_db_type(connection))) for field in (pk, *columns)]
    change = sql.SQL(
        "UPDATE {table} SET {pairs} FROM unnest({arrays}) AS fresh ({names}) WHERE {table}.{key} = fresh.{key}"
    ).format(
        table=sql.Identifier(model._meta.db_table),
        pairs=sql.SQL(", ").join(sql.SQL("{0} = fresh.{0}").format(name) for name in names),
        arrays=sql.SQL(", ").join(sql.SQL("%s::{}[]").format(kind) for kind in types),
        names=sql.SQL(", ").join([sql.Identifier(str(pk.column)), *names]),
        key=sql.Identifier(str(pk.column)),
    )
    keys = [row.pk for row in rows]
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for row in rows] for field in columns]
    with connection.cursor() as cursor:
        cursor.execute(change.as_string(cursor.connection), [keys, *values])
    _copy_into_history(model, keys, described)


def change_many(rows: models.QuerySet[Any], **values: object) -> None:
    """Give rows of one tracked model the same values, none of them read, each with its line of history."""
    described = _describe("~")
    keys = list(rows.order_by().values_list("pk", flat=True))
    rows.model._default_manager.filter(pk__in=keys).update(**values)
    _copy_into_history(rows.model, keys, described)


def _copy_into_history(model: type[models.Model], keys: Sequence[Any], described: dict[str, Any]) -> None:
    history = get_history_model(model)
    kept = {field.column for field in history._meta.fields}
    copied = [sql.Identifier(str(field.column)) for field in model._meta.fields if field.column in kept]
    copy = sql.SQL(
        "INSERT INTO {history} ({copied}, {said})"
        " SELECT {copied}, {values} FROM {table} WHERE {key} = ANY(%s) ORDER BY {key}"
    ).format(
        history=sql.Identifier(history._meta.db_table),
        copied=sql.SQL(", ").join(copied),
        said=sql.SQL(", ").join(map(sql.Identifier, described)),
        values=sql.SQL(", ").join(sql.Placeholder() * len(described)),
        table=sql.Identifier(model._meta.db_table),
        key=sql.Identifier(str(model._meta.pk.column)),
    )
    with connection.cursor() as cursor:
        cursor.execute(copy.as_string(cursor.connection), [*described.values(), list(keys)])


def track(**options: Any) -> TrackedHistory:
    """Return the history descriptor of a tracked model: `history = track()`."""
    return TrackedHistory(bases=(HistoryRow,), **options)
