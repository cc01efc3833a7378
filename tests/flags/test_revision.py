"""The revision: raised by trigger at commit, whichever path wrote what an environment's clients see."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.models import Environment, Flag, PendingChange, Rule
from flags.queries import get_revisions
from flags.transitions import NewMember, add_rule, create_segment, kill_flag, remove_rule, revoke_token, switch_on
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}


@pytest.fixture
def here() -> Environment:
    return make_environment()


@pytest.fixture
def elsewhere() -> Environment:
    return make_environment()


@pytest.fixture
def flag(here: Environment, elsewhere: Environment) -> Flag:
    return make_flag()


def _raised(write: Callable[[], object]) -> dict[int, int]:
    """Return by how much each environment's revision rose."""
    before = get_revisions()
    write()
    return {pk: revision - before[pk] for pk, revision in get_revisions().items() if revision != before[pk]}


def _execute(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_revision__a_switch__rises_by_one_in_its_environment_alone(
    here: Environment, elsewhere: Environment, flag: Flag
) -> None:
    assert _raised(lambda: switch_on(flag_id=flag.pk, environment_id=here.pk, **BY)) == {here.pk: 1}


def test_revision__ten_writes_in_one_transaction__rise_by_one(here: Environment, flag: Flag) -> None:
    sites = [make_site() for _ in range(10)]

    def write() -> None:
        with transaction.atomic():
            for site in sites:
                add_rule(
                    flag_id=flag.pk,
                    environment_id=here.pk,
                    audience=RuleAudience.for_site(site.pk),
                    variant="on",
                    phase="",
                    origin="",
                    **BY,
                )

    assert _raised(write) == {here.pk: 1}


def test_revision__a_transaction_rolled_back__stays(here: Environment, flag: Flag) -> None:
    def write() -> None:
        with transaction.atomic():
            switch_on(flag_id=flag.pk, environment_id=here.pk, **BY)
            transaction.set_rollback(True)

    assert _raised(write) == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE flags_flagstate SET is_on = true WHERE environment_id = %s",
        "DELETE FROM flags_flagstate WHERE environment_id = %s",
        "UPDATE flags_environment SET allowed_origins = '{http://a}' WHERE id = %s",
    ],
)
def test_revision__raw_sql__rises_too(here: Environment, elsewhere: Environment, flag: Flag, statement: str) -> None:
    assert _raised(lambda: _execute(statement, here.pk)) == {here.pk: 1}


def test_revision__a_flag_moved_to_another_environment_by_raw_sql__rises_in_both(
    here: Environment, elsewhere: Environment, flag: Flag
) -> None:
    _execute("DELETE FROM flags_flagstate WHERE environment_id = %s", elsewhere.pk)

    def move() -> None:
        _execute("UPDATE flags_flagstate SET environment_id = %s WHERE environment_id = %s", elsewhere.pk, here.pk)

    assert _raised(move) == {here.pk: 1, elsewhere.pk: 1}


@pytest.mark.parametrize("table", ["flags_flag", "flags_site", "flags_segment", "flags_segmentmember"])
def test_revision__what_every_environment_serves__rises_everywhere(
    here: Environment, elsewhere: Environment, flag: Flag, table: str
) -> None:
    create_segment(key="pilots", name="Pilots", members=[NewMember("ana")], **BY)
    make_site()

    assert _raised(lambda: _execute(f"UPDATE {table} SET id = id")) == {here.pk: 1, elsewhere.pk: 1}


def test_revision__a_rule_removed__rises(here: Environment, elsewhere: Environment, flag: Flag) -> None:
    switch_on(flag_id=flag.pk, environment_id=here.pk, **BY)

    assert _raised(lambda: remove_rule(rule_id=Rule.objects.get().pk, **BY)) == {here.pk: 1}


def test_revision__a_token_made_and_revoked__rises_each_time(here: Environment, elsewhere: Environment) -> None:
    made = []

    assert _raised(lambda: made.append(make_token(here))) == {here.pk: 1}
    assert _raised(lambda: revoke_token(token_id=made[0][0].pk, **BY)) == {here.pk: 1}


def test_revision__a_switch_that_changes_nothing__stays(here: Environment, flag: Flag) -> None:
    kill_flag(flag_id=flag.pk, environment_id=here.pk, **BY)

    assert _raised(lambda: kill_flag(flag_id=flag.pk, environment_id=here.pk, **BY)) == {}


def test_revision__transactions_crosswise_at_once__all_count_and_none_waits_for_ever(
    here: Environment, elsewhere: Environment
) -> None:
    both = Barrier(2)

    def write(flag: Flag, *order: Environment) -> None:
        try:
            with transaction.atomic():
                for environment in order:
                    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)
                both.wait(10)
        finally:
            connection.close()

    flags = [make_flag(), make_flag()]

    def run() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, flags, [here, elsewhere], [elsewhere, here]))

    assert _raised(run) == {here.pk: 2, elsewhere.pk: 2}
    assert not PendingChange.objects.exists()


def test_revision__two_flags_of_one_environment_at_once__rise_by_two(here: Environment) -> None:
    flags = [make_flag(), make_flag()]
    both = Barrier(2)

    def write(flag: Flag) -> None:
        try:
            with transaction.atomic():
                switch_on(flag_id=flag.pk, environment_id=here.pk, **BY)
                both.wait(10)
        finally:
            connection.close()

    def run() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(write, flags))

    assert _raised(run) == {here.pk: 2}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE flags_environmentrevision SET revision = 0",
        "UPDATE flags_environmentrevision SET revision = revision + 1",
        "DELETE FROM flags_environmentrevision",
        "DELETE FROM flags_pendingchange",
        "INSERT INTO flags_pendingchange (transaction, environment_id) VALUES ('1', 1)",
    ],
)
def test_revision__written_by_the_portals_own_role__is_refused(here: Environment, statement: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement)
