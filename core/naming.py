"""Gives records and their fields names in the reader's language, for Django's admin and the auditor's desk.

Done when the apps are ready, beside the models: what migrations read of a field (`_verbose_name`)
and of a model (`original_attrs`) stays as it was, so that a better word is no migration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.db.models import Model
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    # Text, or text in the language in force when it is read: known to the checker alone.
    from django.utils.functional import _StrOrPromise as Word


@dataclass(frozen=True)
class Names:
    """An app's words: `records` by model (one, many), `fields` by `Model.field` or by the field's name alone."""

    app: Word
    records: Mapping[str, tuple[Word, Word]]
    fields: Mapping[str, Word]


#: Columns of every history row, and fields that several apps have.
SHARED: dict[str, Word] = {
    "history_id": _("number of the change"),
    "history_date": _("changed at"),
    "history_change_reason": _("reason of the change"),
    "history_type": _("kind of change"),
    "history_user": _("changed by"),
    "actor_kind": _("through"),
    "actor_label": _("who"),
    "attempt": _("attempt"),
    "attempts": _("attempts"),
    "code": _("code"),
    "created_at": _("created at"),
    "data": _("data"),
    "detected_at": _("detected at"),
    "ends_at": _("ends at"),
    "environment": _("environment"),
    "epoch": _("epoch"),
    "event": _("event"),
    "flag": _("flag"),
    "flag_key": _("flag key"),
    "is_active": _("active"),
    "is_rehearsal": _("rehearsal"),
    "key": _("key"),
    "kind": _("kind"),
    "label": _("label"),
    "lane": _("lane"),
    "last_error": _("last error"),
    "name": _("name"),
    "next_attempt_at": _("next attempt at"),
    "owner": _("owner"),
    "phase": _("phase"),
    "phone": _("phone"),
    "position": _("position"),
    "reason": _("reason"),
    "release": _("release"),
    "revision": _("revision"),
    "rollback": _("rollback"),
    "rollout": _("rollout"),
    "segment": _("segment"),
    "site": _("site"),
    "start_at": _("begins at"),
    "starts_at": _("begins at"),
    "state": _("state"),
    "status": _("status"),
    "subject": _("subject"),
    "till": _("till"),
    "title": _("title"),
    "token": _("token"),
    "transaction": _("transaction"),
}


def name_records(config: AppConfig, names: Names) -> None:
    """Give an app, its models and their fields the names of its table."""
    config.verbose_name = names.app
    for model in config.get_models():
        _name_record(model, names)
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]:
            word = _find_word(model, field.name, names.fields)
            if word is not None:
                field.verbose_name = word


def _name_record(model: type[Model], names: Names) -> None:
    words = names.records.get(model.__name__)
    if words is None:
        tracked = names.records.get(getattr(model, "instance_type", model).__name__)
        if tracked is None:
            return
        words = (
            format_lazy(_("historical {record}"), record=tracked[0]),
            format_lazy(_("historical {records}"), records=tracked[1]),
        )
    model._meta.verbose_name, model._meta.verbose_name_plural = words


def _find_word(model: type[Model], field: str, fields: Mapping[str, Word]) -> Word | None:
    tracked = getattr(model, "instance_type", model).__name__
    return fields.get(f"{tracked}.{field}") or fields.get(field) or SHARED.get(field)
