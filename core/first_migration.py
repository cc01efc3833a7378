"""Migrates an empty database at a tenth of what it costs otherwise: what migrations draw of the models, they draw once.

While it migrates, Django draws each model anew as of that moment, and with each change of a relation every model that
hangs together with it: here that is all of them. A change of the schema reads the changed model alone, so only
that one is drawn. Code of a migration (RunPython) gets all of them drawn afresh, as ever: a state that was drawn in
part is marked, and Django drops it before such code runs.

For databases that have nothing yet: the outcome is compared with Django's own (tests/core/test_first_migration.py).
One with data in it is migrated by Django's own means alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

#: A model by its app and its name in small letters.
Key = tuple[str, str]


def is_empty(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether no migration was ever applied."""
    return not MigrationRecorder(connection).applied_migrations()


@contextmanager
def drawing_little() -> Iterator[None]:
    """Draw only what a change names, within the block."""
    kept = ProjectState._find_reload_model  # type: ignore[attr-defined]  # no public way to say so

    def find(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[Key]:
        state.is_delayed = True
        return {(app_label, model_name)}

    ProjectState._find_reload_model = find  # type: ignore[attr-defined]  # as above
    try:
        yield
    finally:
        ProjectState._find_reload_model = kept  # type: ignore[attr-defined]  # as above
