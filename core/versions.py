"""What a person saw of a row before writing: the newest line of its own history."""

from collections.abc import Iterable

from django.db.models import Max, Model

from core.errors import Refusal


def get_version(row: Model) -> int:
    """Return the newest history id of a tracked row, 0 of one that is not saved yet: one query."""
    newest: int | None = type(row).history.filter(id=row.pk).aggregate(newest=Max("history_id"))["newest"]  # type: ignore[attr-defined]  # a tracked model
    return newest or 0


def map_versions(rows: Iterable[Model]) -> dict[int, int]:
    """Return the newest history id of tracked rows of one model, by their own: one query."""
    found = list(rows)
    if not found:
        return {}
    history = type(found[0]).history.filter(id__in=[row.pk for row in found])  # type: ignore[attr-defined]  # tracked
    return dict(history.values_list("id").annotate(newest=Max("history_id")))


def check_version(row: Model, seen: int | None) -> None:
    """Refuse where a locked row was changed after a person's page was drawn; None comes from no page."""
    if seen is not None and seen != get_version(row):
        raise Refusal("changed_meanwhile")
