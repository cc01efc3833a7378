"""Snapshots: read when the revision rises, kept when the database is away, swapped whole."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import DjangoAssertNumQueries

from core.actors import DEMO
from flags import snapshots
from flags.domain.definition import EnvironmentDefinition
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag
from flags.queries import load_environment
from flags.snapshot_file import FILE_NAME, SnapshotFile
from flags.snapshots import SnapshotKeeper, compile_snapshot
from flags.transitions import kill_flag, revoke_token, switch_on
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag()


@pytest.fixture
def keeper() -> Iterator[SnapshotKeeper]:
    keeper = SnapshotKeeper()
    yield keeper
    keeper.stop()


def _value(keeper: SnapshotKeeper, environment: Environment, flag: Flag) -> object:
    assert keeper.portfolio is not None
    return keeper.portfolio.snapshots[environment.pk].evaluators[flag.key]({}).value


def test_refresh__nothing_changed__reads_nothing_again(keeper: SnapshotKeeper, environment: Environment) -> None:
    assert keeper.refresh()
    before = keeper.portfolio

    assert not keeper.refresh()
    assert keeper.portfolio is before


def test_refresh__a_switch__is_seen(keeper: SnapshotKeeper, environment: Environment, flag: Flag) -> None:
    keeper.refresh()
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)

    assert _value(keeper, environment, flag) is False
    assert keeper.refresh()
    assert _value(keeper, environment, flag) is True


def test_refresh__one_environment_changed__keeps_the_others_snapshot(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag
) -> None:
    other = make_environment()
    keeper.refresh()
    assert keeper.portfolio is not None
    before = keeper.portfolio.snapshots[other.pk]

    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
    keeper.refresh()

    assert keeper.portfolio.snapshots[other.pk] is before


def test_refresh__database_away__keeps_serving_the_last_good(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
    keeper.refresh()

    def fail() -> dict[int, int]:
        raise OperationalError("the server is gone")

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "get_revisions", fail)
        with pytest.raises(OperationalError):
            keeper.refresh()
        assert _value(keeper, environment, flag) is True
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
    keeper.refresh()
    assert _value(keeper, environment, flag) is False


def test_refresh__a_token_revoked__is_gone(keeper: SnapshotKeeper, environment: Environment) -> None:
    token, _raw = make_token(environment, purpose=Purpose.CLIENT)
    keeper.refresh()
    assert keeper.portfolio is not None
    assert token.token_hash in keeper.portfolio.tokens

    revoke_token(token_id=token.pk, **BY)
    keeper.refresh()
    assert token.token_hash not in keeper.portfolio.tokens


def test_refresh__an_archived_flag__is_served_no_more(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag
) -> None:
    keeper.refresh()
    Flag.objects.filter(pk=flag.pk).update(archived_at=NOW)
    keeper.refresh()

    assert keeper.portfolio is not None
    assert flag.key not in keeper.portfolio.snapshots[environment.pk].evaluators


@pytest.mark.parametrize("flags", [2, 20])
def test_load_environment__any_number_of_flags__takes_as_many_queries(
    environment: Environment, flags: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(flags):
        switch_on(flag_id=make_flag().pk, environment_id=environment.pk, **BY)

    # Isolation level, eight reads, and the transaction's begin.
    with django_assert_num_queries(10):
        assert len(load_environment(environment.pk).flags) == flags


def test_serve__from_disk__until_the_database_answers(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag, tmp_path: Path
) -> None:
    file = SnapshotFile(tmp_path)
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
    assert file.write([load_environment(environment.pk)])

    keeper.serve(file.read())
    assert _value(keeper, environment, flag) is True
    assert not keeper.is_fresh

    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
    keeper.refresh()
    assert _value(keeper, environment, flag) is False
    assert keeper.is_fresh


def test_file__written__is_for_its_owner_alone_and_reads_the_same(environment: Environment, tmp_path: Path) -> None:
    make_token(environment, purpose=Purpose.SERVER)
    definition = load_environment(environment.pk)
    file = SnapshotFile(tmp_path / "new")
    file.write([definition])

    assert file.read() == [definition]
    [path] = (tmp_path / "new").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert compile_snapshot(file.read()[0]).etag == compile_snapshot(definition).etag


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b"[1]", b"null"])
def test_file__damaged_or_of_another_version__is_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    assert SnapshotFile(tmp_path).read() == []


def test_start__a_file_that_reads_and_serves_nothing__waits_for_the_database(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag, tmp_path: Path
) -> None:
    definition = load_environment(environment.pk)
    broken = {key: replace(one, off_variant="gone") for key, one in definition.flags.items()}
    assert SnapshotFile(tmp_path).write([replace(definition, flags=broken)])
    heard = threading.Event()
    keeper.subscribe(heard.set)

    keeper.start(SnapshotFile(tmp_path))
    assert heard.wait(30)
    keeper.stop()

    assert _value(keeper, environment, flag) is False


def test_file__cannot_be_written__goes_on_without(tmp_path: Path, environment: Environment) -> None:
    (tmp_path / "folder").write_text("a file where the folder should be")
    assert not SnapshotFile(tmp_path / "folder").write([load_environment(environment.pk)])


def test_thread__a_change_and_an_unforeseen_fault__is_heard_and_outlived(
    keeper: SnapshotKeeper, environment: Environment, flag: Flag, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faults = iter([RuntimeError("a fault of ours")])
    load = load_environment

    def load_or_fail(environment_id: int) -> EnvironmentDefinition:
        for fault in faults:
            raise fault
        return load(environment_id)

    monkeypatch.setattr(snapshots, "load_environment", load_or_fail)
    # The poll never comes in this test's time: only the notification can bring the change.
    monkeypatch.setattr(snapshots, "POLL_SECONDS", 0.2)
    heard = threading.Event()
    keeper.subscribe(heard.set)
    keeper.start(SnapshotFile(tmp_path))
    assert heard.wait(30)
    monkeypatch.setattr(snapshots, "POLL_SECONDS", 600.0)
    time.sleep(0.5)
    heard.clear()
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
    assert heard.wait(30)
    assert _value(keeper, environment, flag) is True
    # Lets the listener, which waits for ten minutes, see that it should stop.
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
