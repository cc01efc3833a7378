"""`manage.py flag`: break-glass from a shell, with the history of the pages."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.actors import command
from core.errors import Refusal
from flags.models import Environment, Flag, FlagState
from flags.transitions import archive_flag
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag

pytestmark = pytest.mark.django_db


@pytest.fixture
def environment() -> Environment:
    return make_environment(key="prod")


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag(key="buttons")


def _call(*arguments: str) -> str:
    said = StringIO()
    call_command("flag", *arguments, stdout=said)
    return said.getvalue().strip()


def test_flag__off__sets_the_kill_switch_and_says_so(flag: Flag) -> None:
    assert _call("off", "buttons", "--env", "prod", "--reason", "Wrong prices") == "buttons in prod: off (kill switch)"

    state = FlagState.objects.get()
    assert (state.is_killed, state.kill_reason) == (True, "Wrong prices")


def test_flag__on__lifts_it(flag: Flag) -> None:
    _call("off", "buttons", "--env", "prod", "--reason", "Wrong prices")

    assert _call("on", "buttons", "--env", "prod", "--reason", "Mended") == "buttons in prod: on"


def test_flag__show__changes_nothing(flag: Flag) -> None:
    before = FlagState.objects.get().history.count()

    assert _call("show", "buttons", "--env", "prod") == "buttons in prod: off"
    assert FlagState.objects.get().history.count() == before


def test_flag__archived_while_on__is_said_to_be_so(flag: Flag, environment: Environment) -> None:
    by: dict[str, Any] = {"actor": command("mia"), "reason": "Gone from the code", "now": NOW}
    _call("on", "buttons", "--env", "prod", "--reason", "Out")
    archive_flag(flag_id=flag.pk, is_unasked=True, **by)

    assert _call("show", "buttons", "--env", "prod") == "buttons in prod: on, archived"
    assert json.loads(_call("explain", "buttons", "--env", "prod"))["is_archived"]


def test_flag__by__names_who_in_the_history(flag: Flag) -> None:
    _call("off", "buttons", "--env", "prod", "--reason", "Wrong prices", "--by", "night shift")

    row = FlagState.objects.get().history.latest()
    assert (row.actor_kind, row.actor_label, row.history_change_reason) == ("command", "night shift", "Wrong prices")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("off", "nothing", "--env", "prod", "--reason", "x"), "There is no flag 'nothing'"),
        (("off", "buttons", "--env", "mars", "--reason", "x"), "There is no environment 'mars': choose prod"),
        (("off", "buttons", "--env", "prod"), "--reason TEXT"),
        (("on", "buttons", "--env", "prod", "--reason", "  "), "--reason TEXT"),
        (("on", "buttons", "--env", "prod", "--reason", "x" * 2_001), "reason_too_long"),
        (("explode", "buttons", "--env", "prod"), "invalid choice"),
    ],
)
def test_flag__wrong_input__is_one_clear_line_and_changes_nothing(
    flag: Flag, arguments: tuple[str, ...], words: str
) -> None:
    # manage.py says a refusal as it says a command's error: in one line.
    with pytest.raises((CommandError, Refusal), match=words) as refused:
        _call(*arguments)

    assert "\n" not in str(refused.value).strip()
    state = FlagState.objects.get()
    assert (state.is_on, state.is_killed) == (False, False)
