"""Writes people's text into every column that holds such, of every model of ours: a new field is found by itself.

Where a model is tracked, its history gets a line of the row as it is then, with a reason and a name as hostile; of what
only grows a copy is added; of a model without rows one is made.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from copy import copy
from itertools import count
from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, models, transaction

from announcements.domain.placeholders import find_unknown
from core import clock
from core.actors import DEMO, Actor
from core.history import change_many, recorded
from core.protection import READ_ONLY_TABLES, is_history
from health.domain.alerts import read_link
from tests.hostile.attacks import Texts, read_attacks

OURS = frozenset(
    {
        *("announcements", "core", "flags", "health", "rollouts", "incidents", "recovery", "procedures"),
        *("notices", "notifications", "statuspage"),
    }
)
#: Rows of a model that are changed, the newest.
MOST_ROWS = 12
#: Of several rows one has the whole list of attacks in its long fields, the others as many as there is room for.
SHORT = 300
#: Columns that hold no words of people's, by name, wherever they stand: why.
KEPT_NAMES = {
    "key": "a key: letters, digits, dots and dashes, checked when it is made",
    "slug": "a key in an address",
    "code": "a code of ours, which pages look words up by",
    "kind": "a code of ours",
    "status": "a code of ours",
    "lane": "a code of ours",
    "subject": "a code of ours",
    "act": "a code of ours",
    "mode": "a code of ours",
    "verdict": "a code of ours",
    "stage": "a code of ours",
    "state": "a code of ours",
    "fault": "a code of ours",
    "audience_kind": "a code of ours",
    "actor_kind": "a code of ours",
    "variant": "a key of a flag's variants, checked by the database",
    "default_variant": "a key of a flag's variants, checked by the database",
    "off_variant": "a key of a flag's variants, checked by the database",
    "phase": "a code of ours",
    "origin": "a code of ours",
    "zone": "a time zone's name, chosen from a list",
    "time_zone": "a time zone's name, chosen from a list",
    "password": "a hash",
    "sha256": "a hash",
    "sealed_secret": "sealed",
    "sealed_old_secret": "sealed",
    "sealed_address": "sealed",
    "secret_end": "a secret's last letters, of ours",
    "prefix": "a token's first letters, of ours",
    "flag_keys": "keys",
    "site_keys": "keys",
    "gates": "codes of ours",
    "outlet": "a code of ours",
    "outlets": "codes of ours",
    "roles": "codes of ours",
    "failure": "a code of ours",
}
KEPT_ENDS = {
    "_key": "a key",
    "_hash": "a hash",
    "_code": "a code of ours",
}
#: Single columns that hold no words of people's: why.
KEPT = {
    "announcements.OutletRun.url": "an address of ours, checked by the database",
    "recovery.Target.database": "env: or file: and a name, checked by the database",
}
#: Columns that hold some texts only: which.
FITTING: dict[str, Callable[[str], bool]] = {
    **{
        f"announcements.Announcement.{name}": lambda text: not find_unknown(text)
        for name in ("title_fr", "body_fr", "title_en", "body_en")
    },
    "rollouts.Release.version": lambda text: text.isprintable() and "/" not in text and len(text) <= 50,
    "health.Alert.link": lambda text: bool(read_link(text)),
}
#: Columns of texts by names that other programs chose: these as well may be anything.
NAMED_BY_OTHERS = {"health.Alert.labels"}
#: Models of which no row is made here: why.
UNMADE: dict[str, str] = {}

#: What fits a column that its name and type do not tell.
GUESSES: dict[str, Any] = {"lane": "error_rate", "act": "observed", "verdict": "pass"}

_numbers = count(1)


def list_models() -> Iterator[type[models.Model]]:
    """Give every model of ours that is written to, histories apart: these grow with what they are of."""
    for model in apps.get_models():
        meta = model._meta
        if meta.app_label in OURS and meta.managed and not is_history(model) and meta.db_table not in READ_ONLY_TABLES:
            yield model


def list_text_fields(model: type[models.Model]) -> Iterator[models.Field[Any, Any]]:
    """Give every field that can hold a text."""
    for field in model._meta.concrete_fields:
        inner = field.base_field if isinstance(field, ArrayField) else field
        if isinstance(inner, models.CharField | models.TextField | models.JSONField):
            yield field


def list_fed(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Return the fields that people's words may stand in."""
    return [field for field in list_text_fields(model) if not find_reason_kept(field)]


def find_reason_kept(field: models.Field[Any, Any]) -> str:
    """Return why a field holds no words of people's, empty where it may."""
    if field.choices:
        return "one of a list"
    if field.primary_key:
        return "a key"
    named = KEPT.get(f"{field.model._meta.label}.{field.name}") or KEPT_NAMES.get(field.name)
    ended = next((reason for end, reason in KEPT_ENDS.items() if field.name.endswith(end)), "")
    return named or ended


def name_of(field: models.Field[Any, Any]) -> str:
    """Return a field's name, with its model's."""
    return f"{field.model._meta.label}.{field.name}"


def make_missing() -> list[str]:
    """Make a row of each model that has none; return those of which none could be made."""
    faults = []
    for model in list_models():
        if model._meta.label in UNMADE or model._base_manager.exists() or not list_fed(model):
            continue
        try:
            with transaction.atomic(), recorded(actor=DEMO, reason="a test", now=clock.now()):
                make_row(model)
        except (DatabaseError, ValidationError, ValueError) as error:
            faults.append(f"{model._meta.label}: {error}")
    return faults


def feed(texts: Texts, *, by: Callable[[], Actor]) -> None:
    """Write words into every field that may hold people's."""
    for model in list_models():
        fields = list_fed(model)
        rows = list(model._base_manager.order_by("-pk")[: 1 if is_growing(model) else MOST_ROWS])
        if not fields or not rows:
            continue
        try:
            with transaction.atomic():
                _feed_model(model, rows, fields, texts, by=by)
        except IntegrityError:
            # Some words stand there only with others: what is empty stays so.
            for field in fields:
                texts.fields.pop(name_of(field), None)
            _feed_model(model, rows, fields, texts, by=by, keeps_empty=True)


def _feed_model(
    model: type[models.Model],
    rows: list[models.Model],
    fields: list[models.Field[Any, Any]],
    texts: Texts,
    *,
    by: Callable[[], Actor],
    keeps_empty: bool = False,
) -> None:
    rows = [copy(row) for row in rows]
    for place, row in enumerate(rows):
        for field in fields:
            value = getattr(row, field.attname)
            if value or not keeps_empty:
                setattr(row, field.attname, _say(field, value, texts, room=SHORT if place else None))
    if is_growing(model):
        _add(rows[0])
        return
    model._base_manager.bulk_update(rows, [field.name for field in fields])
    if hasattr(model._meta, "simple_history_manager_attribute"):
        with recorded(actor=by(), reason=texts.say("core.history.reason", room=2_000), now=clock.now()):
            change_many(model._base_manager.filter(pk__in=[row.pk for row in rows]))


def is_growing(model: type[models.Model]) -> bool:
    """Tell whether rows of a model are added only."""
    return bool(getattr(model, "append_only", False))


def _add(row: models.Model) -> None:
    """Add a copy of what only grows, with numbers of its own where they must differ."""
    fixed = {name for one in row._meta.constraints if isinstance(one, models.UniqueConstraint) for name in one.fields}
    for field in row._meta.concrete_fields:
        if field.name in fixed and isinstance(field, models.IntegerField) and not field.primary_key:
            setattr(row, field.attname, getattr(row, field.attname) + 1_000)
        if field.unique and isinstance(field, models.CharField):
            setattr(row, field.attname, f"{getattr(row, field.attname)}-{next(_numbers)}"[-(field.max_length or 0) :])
    row.pk, row._state.adding = None, True
    row._meta.base_manager.bulk_create([row])


def _say(field: models.Field[Any, Any], value: Any, texts: Texts, *, room: int | None) -> Any:
    name = name_of(field)
    if isinstance(field, models.JSONField):
        more = {texts.say(name, room=60): texts.say(name, room=200)} if name in NAMED_BY_OTHERS else {}
        return _say_within(value, name, texts) | more if more else _say_within(value, name, texts)
    if isinstance(field, ArrayField):
        return [texts.say(name, room=field.base_field.max_length or SHORT) for _one in value or [""]]
    if isinstance(field, models.URLField | models.EmailField) or name in FITTING:
        fitting = _list_valid(field, is_fitting=FITTING.get(name, bool))
        return texts.say(name, among=fitting) if fitting else value
    return texts.say(name, room=field.max_length or room)


def _list_valid(field: models.Field[Any, Any], *, is_fitting: Callable[[str], bool]) -> list[str]:
    """Return those attacks that the field's own check lets through."""
    found = []
    for one in filter(lambda attack: is_fitting(attack.text), read_attacks()):
        try:
            field.run_validators(one.text)
        except ValidationError:
            continue
        found.append(one.text)
    return found


def _say_within(value: Any, name: str, texts: Texts) -> Any:
    """Return a JSON value with words in the place of words; codes, keys and moments stay."""
    if isinstance(value, dict):
        return {key: _say_within(one, f"{name}.{key}", texts) for key, one in value.items()}
    if isinstance(value, list):
        return [_say_within(one, name, texts) for one in value]
    return texts.say(name, room=200) if isinstance(value, str) and _are_words(value) else value


def _are_words(text: str) -> bool:
    """Tell whether a text may be somebody's: not a code, a key, a number or a moment."""
    is_moment = re.match(r"\d{4}-\d\d-\d\d", text)
    return bool(re.search(r"[^\W\d_]", text)) and not is_moment and (" " in text or text != text.lower())


def make_row(model: type[models.Model]) -> models.Model:
    """Return a new row with whatever fits its columns."""
    row = model()
    for field in model._meta.concrete_fields:
        if not field.has_default() and not field.null and not isinstance(field, models.AutoField):
            setattr(row, field.attname, _guess(field))
    row.save()
    return row


def _guess(field: models.Field[Any, Any]) -> Any:
    if field.is_relation:
        related: Any = field.related_model
        return (related._base_manager.order_by("-pk").first() or make_row(related)).pk
    if field.blank and field.empty_strings_allowed and not field.primary_key:
        return ""
    if field.choices:
        return next(iter(field.flatchoices))[0]
    if field.name in GUESSES or field.name.endswith("_hash"):
        return GUESSES.get(field.name, "0" * 64)
    guesses: list[tuple[type[models.Field[Any, Any]], Any]] = [
        (models.DateTimeField, clock.now()),
        (models.DateField, clock.now().date() + datetime.timedelta(days=next(_numbers))),
        (models.DurationField, datetime.timedelta(minutes=1)),
        (models.TimeField, datetime.time(9)),
        (models.BooleanField, False),
        (models.JSONField, {}),
        (ArrayField, []),
        (models.BinaryField, b""),
        (models.UUIDField, None),
        (models.IntegerField, 1),
        (models.FloatField, 1.0),
        (models.CharField, f"a-{next(_numbers)}"),
        (models.TextField, f"a-{next(_numbers)}"),
    ]
    return next((guess for kind, guess in guesses if isinstance(field, kind)), None)
