"""Where stored flags stand in their lives: read from rows and their history."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from core.actors import DEMO
from core.errors import InvalidInput
from flags.domain.audience import RuleAudience
from flags.domain.life import Life, Stage
from flags.life_queries import judge_flag, judge_flags
from flags.models import Environment, Flag
from flags.transitions import archive_flag, edit_flag, kill_flag, move_rule, remove_rule, switch_off, switch_on
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

SAID: dict[str, Any] = {
    "name": "Buttons",
    "description": "",
    "owner": "",
    "cashier_note_fr": "",
    "documentation_url": "",
    "criticality": "minor",
    "expires_on": None,
    "is_permanent": False,
}


@pytest.fixture
def prod() -> Environment:
    make_environment(key="dev", position=1)
    return make_environment(key="prod", position=2, is_production=True)


@pytest.fixture
def flag(prod: Environment) -> Flag:
    return make_flag(key="buttons")


def _by(day: int) -> dict[str, Any]:
    return {"actor": DEMO, "reason": "a test", "now": _day(day)}


def _day(number: int) -> datetime:
    return NOW + timedelta(days=number)


def _where(flag: Flag, environment: Environment) -> dict[str, Any]:
    return {"flag_id": flag.pk, "environment_id": environment.pk}


def test_stage__along_a_whole_life__is_said(flag: Flag, prod: Environment) -> None:
    assert judge_flag(flag, now=_day(0)) == Life(Stage.CREATED)
    first = make_rule(flag, prod, RuleAudience.for_site(make_site().pk), now=_day(1))
    assert judge_flag(flag, now=_day(1)).stage is Stage.IN_USE
    make_rule(flag, prod, RuleAudience.everyone(), now=_day(3))
    remove_rule(rule_id=first.pk, **_by(20))
    assert judge_flag(flag, now=_day(32)) == Life(Stage.FULLY_OUT, _day(3), _day(33))
    assert judge_flag(flag, now=_day(33)) == Life(Stage.STALE, _day(3), _day(33))
    switch_off(**_where(flag, prod), **_by(40))
    archive_flag(flag_id=flag.pk, **_by(41))
    flag.refresh_from_db()
    assert judge_flag(flag, now=_day(90)) == Life(Stage.ARCHIVED)


def test_stage__on_where_it_does_not_count__is_in_use(flag: Flag) -> None:
    switch_on(**_where(flag, Environment.objects.get(key="dev")), **_by(0))

    assert judge_flag(flag, now=_day(99)).stage is Stage.IN_USE


def test_stage__two_productions__counts_from_the_last_of_them(flag: Flag, prod: Environment) -> None:
    other = make_environment(key="prod-2", is_production=True, position=0)
    switch_on(**_where(flag, prod), **_by(0))
    assert judge_flag(flag, now=_day(1)).stage is Stage.IN_USE

    switch_on(**_where(flag, other), **_by(7))

    assert judge_flag(flag, now=_day(8)).out_since == _day(7)


def test_stage__no_production__goes_by_the_last_environment() -> None:
    make_environment(key="first", position=1)
    last = make_environment(key="last", position=2)
    flag = make_flag()
    switch_on(**_where(flag, last), **_by(2))

    assert judge_flag(flag, now=_day(3)) == Life(Stage.FULLY_OUT, _day(2), _day(32))


def test_stage__killed_and_on_again__counts_anew(flag: Flag, prod: Environment) -> None:
    switch_on(**_where(flag, prod), **_by(0))
    kill_flag(**_where(flag, prod), **_by(10))
    assert judge_flag(flag, now=_day(50)).stage is Stage.IN_USE

    switch_on(**_where(flag, prod), **_by(51))

    assert judge_flag(flag, now=_day(60)).out_since == _day(51)


def test_stage__a_rule_moved_behind_everyone__counts_from_the_move(flag: Flag, prod: Environment) -> None:
    make_rule(flag, prod, RuleAudience.for_site(make_site().pk), variant="off", now=_day(0))
    everyone = make_rule(flag, prod, RuleAudience.everyone(), now=_day(1))
    assert judge_flag(flag, now=_day(2)).stage is Stage.IN_USE

    move_rule(rule_id=everyone.pk, earlier=True, **_by(5))

    assert judge_flag(flag, now=_day(6)).out_since == _day(5)


def test_stage__a_change_whose_clock_ran_behind__did_not_happen_before_the_one_it_followed(
    flag: Flag, prod: Environment
) -> None:
    switch_on(**_where(flag, prod), **_by(2))
    kill_flag(**_where(flag, prod), **_by(10))

    switch_on(**_where(flag, prod), **_by(9))

    assert judge_flag(flag, now=_day(20)).out_since == _day(10)


def test_stage__a_variable_above__is_not_known_to_be_out(
    flag: Flag, prod: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(**_where(flag, prod), **_by(0))
    monkeypatch.setenv("FLAG__PROD__BUTTONS", "off")

    assert judge_flag(flag, now=_day(99)).stage is Stage.IN_USE


def test_stage__the_setting__says_after_how_many_days(flag: Flag, prod: Environment, settings: Any) -> None:
    settings.FLAG_STALE_AFTER_DAYS = 5
    switch_on(**_where(flag, prod), **_by(0))

    assert (judge_flag(flag, now=_day(4)).stage, judge_flag(flag, now=_day(5)).stage) == (
        Stage.FULLY_OUT,
        Stage.STALE,
    )


def test_permanent__is_never_stale_and_has_no_last_day(flag: Flag, prod: Environment) -> None:
    switch_on(**_where(flag, prod), **_by(0))
    edit_flag(flag_id=flag.pk, **(SAID | {"is_permanent": True}), **_by(1))
    flag.refresh_from_db()

    assert judge_flag(flag, now=_day(99)) == Life(Stage.FULLY_OUT, _day(0))
    with pytest.raises(InvalidInput) as refused:
        edit_flag(flag_id=flag.pk, **(SAID | {"is_permanent": True, "expires_on": date(2027, 1, 1)}), **_by(2))
    assert refused.value.code == "permanent_expires"


@pytest.mark.parametrize("count", [2, 20])
def test_judge__more_flags__asks_no_more(
    prod: Environment, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flags = [make_flag() for _ in range(count)]
    for one in flags:
        switch_on(**_where(one, prod), **_by(0))

    with django_assert_num_queries(5):
        lives = judge_flags(flags, now=_day(40))

    assert {life.stage for life in lives.values()} == {Stage.STALE}


def test_pages__say_the_stage_and_edit_keeps_a_flag(prod: Environment) -> None:
    flag = make_flag(key="buttons", now=_day(-90))
    switch_on(**_where(flag, prod), **_by(-60))
    client = sign_in()
    assert "to be removed" in client.get("/flags/").content.decode()
    assert "Fully out since" in client.get("/flags/buttons/").content.decode()

    said = {"name": "Buttons", "criticality": "minor", "reason": "Needed in trouble", "is_permanent": "on"}
    version = read_version(client, "/flags/buttons/edit/")
    assert client.post("/flags/buttons/edit/", said | {"version": version}).status_code == 302

    flag.refresh_from_db()
    assert (flag.is_permanent, flag.history.latest().history_change_reason) == (True, "Needed in trouble")
    page = client.get("/flags/buttons/").content.decode()
    assert "kept on purpose" in page
    assert "to be removed" not in page
