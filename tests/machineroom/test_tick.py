"""`manage.py tick`: due work without Celery."""

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from releaseportal.celery import app
from releaseportal.management.commands import tick
from releaseportal.schedule import SCHEDULE, Row

_done: list[str] = []


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three tasks of which the second fails."""

    def run_fine() -> None:
        _done.append("fine")

    def run_broken() -> None:
        raise ValueError("no luck\ntoday")

    tasks = {"tests.first": run_fine, "tests.broken": run_broken, "tests.last": run_fine}
    for name, function in tasks.items():
        app.task(name=name)(function)
    monkeypatch.setattr(tick, "SCHEDULE", [Row(name, 1, "a test") for name in tasks])
    _done.clear()
    yield
    for name in tasks:
        app.tasks.unregister(name)


@pytest.mark.django_db
def test_tick__with_a_failing_task__runs_the_others_and_fails(schedule: None) -> None:
    told = StringIO()

    with pytest.raises(CommandError, match=r"1 of 3 tasks failed: tests\.broken"):
        call_command("tick", stdout=StringIO(), stderr=told)

    assert _done == ["fine", "fine"]
    assert told.getvalue().strip() == "tests.broken: ValueError: no luck today"


def test_schedule__each_row__names_a_known_task() -> None:
    app.loader.import_default_modules()

    assert [row.task for row in SCHEDULE if row.task not in app.tasks] == []
