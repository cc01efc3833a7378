"""Every change to every tracked model, newest first: what the auditor's desk shows and exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Model, OuterRef, Q, QuerySet, Subquery, Value
from simple_history.utils import get_m2m_reverse_field_name

from core.errors import InvalidInput

#: More rows than this are not exported at once: the filter must be narrowed.
MAX_EXPORT_ROWS = 20_000


@dataclass(frozen=True)
class ChangeFilter:
    """What to look for; empty means everything. `since` included, `until` not."""

    person: str = ""
    since: datetime | None = None
    until: datetime | None = None
    object_type: str = ""
    object_id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class FieldChange:
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One history row; `kind` is created, changed or deleted."""

    at: datetime
    object_type: str
    object_label: str
    object_id: Any
    model_key: str
    history_id: int
    kind: str
    actor_kind: str
    actor_label: str
    reason: str
    fields: tuple[FieldChange, ...] = field(default=())


@dataclass(frozen=True)
class Page:
    changes: list[Change]
    number: int
    has_next: bool


#: Names by (many-to-many field, history id).
Links = dict[tuple[str, int], list[str]]
_KINDS = {"+": "created", "~": "changed", "-": "deleted"}


def list_tracked_models() -> dict[str, type[Model]]:
    """Return the tracked models by their label, e.g. `flags.flag`."""
    tracked = [model for model in apps.get_models() if hasattr(model._meta, "simple_history_manager_attribute")]
    return {model._meta.label_lower: model for model in sorted(tracked, key=lambda model: model._meta.label_lower)}


def list_changes(wanted: ChangeFilter, *, page: int, per_page: int) -> Page:
    """Return one page of changes, newest first; pages count from 1."""
    start = (page - 1) * per_page
    found = _select(wanted, start=start, end=start + per_page + 1)
    return Page(changes=_load(found[:per_page]), number=page, has_next=len(found) > per_page)


def list_for_export(wanted: ChangeFilter) -> list[Change]:
    """Return all changes that fit, newest first; refuse more than MAX_EXPORT_ROWS."""
    found = _select(wanted, start=0, end=MAX_EXPORT_ROWS + 1)
    if len(found) > MAX_EXPORT_ROWS:
        raise InvalidInput("export_too_long", limit=MAX_EXPORT_ROWS)
    return _load(found)


def _history_of(model: type[Model]) -> type[Model]:
    manager = getattr(model, str(model._meta.simple_history_manager_attribute))  # type: ignore[attr-defined]  # tracked
    history: type[Model] = manager.model
    return history


def _condition(wanted: ChangeFilter) -> Q:
    condition = Q()
    if wanted.person:
        condition &= Q(actor_label__icontains=wanted.person) | Q(history_user__username__iexact=wanted.person)
    if wanted.since:
        condition &= Q(history_date__gte=wanted.since)
    if wanted.until:
        condition &= Q(history_date__lt=wanted.until)
    if wanted.reason:
        condition &= Q(history_change_reason__icontains=wanted.reason)
    return condition


def _select(wanted: ChangeFilter, *, start: int, end: int) -> list[tuple[str, int]]:
    """Return (model's label, history id) of the rows from `start` to `end`, newest first."""
    tracked = list_tracked_models()
    if wanted.object_type:
        tracked = {key: model for key, model in tracked.items() if key == wanted.object_type}
    arms: list[QuerySet[Any, Any]] = []
    for key, model in tracked.items():
        condition = _condition(wanted)
        if wanted.object_id:
            if not wanted.object_id.isdecimal() or len(wanted.object_id) > 18:
                return []
            condition &= Q(**{model._meta.pk.attname: int(wanted.object_id)})
        rows = _history_of(model)._default_manager.filter(condition).order_by("-history_date", "-history_id")
        arms.append(
            rows.annotate(model_key=Value(key, output_field=models.CharField())).values_list(
                "history_date", "model_key", "history_id"
            )[:end]
        )
    if not arms:
        return []
    merged = arms[0].union(*arms[1:], all=True) if len(arms) > 1 else arms[0]
    ordered = merged.order_by("-history_date", "model_key", "-history_id") if len(arms) > 1 else merged
    return [(key, history_id) for _, key, history_id in ordered[start:end]]


def _load(found: Sequence[tuple[str, int]]) -> list[Change]:
    tracked = list_tracked_models()
    loaded: dict[tuple[str, int], Change] = {}
    for key in sorted({key for key, _ in found}):
        ids = [history_id for other, history_id in found if other == key]
        for change in _load_of(key, tracked[key], ids):
            loaded[key, change.history_id] = change
    return [loaded[where] for where in found]


def _load_of(key: str, model: type[Model], ids: Sequence[int]) -> Iterator[Change]:
    history, pk_name = _history_of(model), model._meta.pk.attname
    earlier = (
        history._default_manager.filter(**{pk_name: OuterRef(pk_name)}, history_id__lt=OuterRef("history_id"))
        .order_by("-history_id")
        .values("history_id")[:1]
    )
    rows = list(history._default_manager.filter(history_id__in=ids).annotate(earlier_id=Subquery(earlier)))
    earlier_ids = [row.earlier_id for row in rows if row.earlier_id is not None]
    before = history._default_manager.in_bulk(earlier_ids, field_name="history_id")
    linked = _load_links(model, [*rows, *before.values()])
    for row in rows:
        yield _describe(key, model, row, before.get(row.earlier_id), linked)


def _load_links(model: type[Model], rows: Sequence[Any]) -> Links:
    """Return the names that each row's many-to-many fields held, in one query for each field."""
    links: Links = {}
    for name in _m2m_names(model) if rows else []:
        end = str(get_m2m_reverse_field_name(model._meta.get_field(name)))
        ids = [row.history_id for row in rows]
        for link in getattr(rows[0], name).model.objects.filter(history_id__in=ids).select_related(end):
            links.setdefault((name, link.history_id), []).append(str(getattr(link, end)))
    return links


def _describe(key: str, model: type[Model], row: Any, before: Any, links: Links) -> Change:
    pk = getattr(row, model._meta.pk.attname)
    return Change(
        at=row.history_date,
        object_type=str(model._meta.verbose_name),
        object_label=_label_of(model, row),
        object_id=pk,
        model_key=key,
        history_id=row.history_id,
        kind=_KINDS[row.history_type],
        actor_kind=row.actor_kind,
        actor_label=row.actor_label,
        reason=row.history_change_reason or "",
        fields=tuple(_differences(model, row, before, links)),
    )


def _label_of(model: type[Model], row: Any) -> str:
    """Return a name kept in the row itself: a look-up of related rows would cost a query each."""
    for name in ("key", "username", "name", "version", "title"):
        if name in {field.name for field in row.tracked_fields} and getattr(row, name):
            return str(getattr(row, name))
    return f"{model._meta.verbose_name} {getattr(row, model._meta.pk.attname)}"


def _differences(model: type[Model], row: Any, before: Any, links: Links) -> Iterator[FieldChange]:
    if row.history_type == "-":
        before, row = row, None
    named = [(field.verbose_name, field) for field in (row or before).tracked_fields]
    for name, tracked in named:
        old, new = _text(before, tracked), _text(row, tracked)
        if old != new and not tracked.primary_key:
            yield FieldChange(field=str(name), before=old, after=new)
    for m2m in _m2m_names(model):
        old, new = (", ".join(sorted(links.get((m2m, side.history_id), []))) if side else "" for side in (before, row))
        if old != new:
            name = model._meta.get_field(m2m).verbose_name  # type: ignore[union-attr]  # many to many: it has one
            yield FieldChange(field=str(name), before=old, after=new)


def _text(row: Any, tracked: models.Field[Any, Any]) -> str:
    value = None if row is None else getattr(row, tracked.attname)
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(dict(tracked.flatchoices).get(value, value)) if tracked.choices else str(value)


def _m2m_names(model: type[Model]) -> list[str]:
    return [field.name for field in getattr(_history_of(model), "_history_m2m_fields", [])]
