"""The page and the command of a replay: what they say, and what they refuse."""

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client

from core.errors import InvalidInput
from core.models import User
from core.roles import Role
from rollouts.models import Rollout
from tests.factories.world import World
from tests.rollouts.test_error_rate import _set as set_error_rate
from tests.rollouts.test_replay import LATER, rollout, run_minutes, world
from tests.signed_in import sign_in, sign_in_as

__all__ = ["rollout", "world"]

pytestmark = pytest.mark.django_db

ASKED = {
    "lane": "error_rate",
    "percent": "3",
    "mode": "hold",
    "scope": "flag",
    "cool_down_minutes": "15",
    "tightened": "yes",
    "flag": "",
    "since": "",
    "until": "",
}


@pytest.fixture
def past(world: World, rollout: Rollout) -> Rollout:
    """A rollout of which a tenth of the first flag's requests failed, observed at 10 %."""
    set_error_rate(world, "observe", threshold_bp=1_000)
    run_minutes(world, rollout, [0, 0, *[0.09] * 20])
    return rollout


def run(*words: str) -> str:
    out = StringIO()
    with time_machine.travel(LATER + timedelta(minutes=22), tick=False):
        call_command("replay_guardrails", *words, stdout=out)
    return out.getvalue()


def visit(client: Client, path: str, **asked: str) -> str:
    with time_machine.travel(LATER + timedelta(minutes=22), tick=False):
        return client.get(path, ASKED | asked).content.decode()


def test_page__says_when_it_would_have_fired_and_what_was_really_decided(past: Rollout) -> None:
    client = sign_in(Role.SUPPORT)

    page = visit(client, f"/rollouts/{past.pk}/replay/")

    assert "With 3 % it would have held Buttons on " in page
    assert "With 3 % nothing would have happened to Tickets." in page
    assert page.count("Really: nothing was decided.") == 2
    assert "not at all" in page
    assert 'name="percent" value="3"' in page


def test_page__in_french__speaks_french(past: Rollout) -> None:
    sign_in(Role.SUPPORT)
    client = sign_in_as(User.objects.latest("pk"), language="fr")

    page = visit(client, f"/rollouts/{past.pk}/replay/")

    assert "Avec 3 % il aurait arrêté" in page.replace("\u00a0", " ").replace("\u202f", " ")


def test_page__not_asked_yet__shows_the_form_as_it_is_set(past: Rollout) -> None:
    page = sign_in(Role.SUPPORT).get(f"/rollouts/{past.pk}/replay/")

    assert page.status_code == 200
    assert 'value="10"' in page.content.decode()
    assert 'id="answer"' not in page.content.decode()


@pytest.mark.parametrize(
    "asked",
    [
        {"lane": "complaints"},
        {"lane": "'; DROP TABLE"},
        {"percent": "0"},
        {"percent": "11"},
        {"percent": "NaN"},
        {"percent": "1e9999"},
        {"percent": ""},
        {"mode": "off"},
        {"scope": "shop"},
        {"cool_down_minutes": "-1"},
        {"cool_down_minutes": "9" * 40},
        {"tightened": "x"},
        {"flag": "nothing"},
        {"flag": "signals"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00"},
        {"since": "9999-12-31T23:59"},
        {"until": "2026-03-29T02:30"},
    ],
)
def test_page__hostile_address__is_refused_in_words(rollout: Rollout, asked: dict[str, str]) -> None:
    with time_machine.travel(LATER + timedelta(minutes=22), tick=False):
        answer = sign_in(Role.SUPPORT).get(f"/rollouts/{rollout.pk}/replay/", ASKED | asked)

    assert answer.status_code == 400
    assert 'class="errorlist"' in answer.content.decode()


def test_page__unreadable_letters__are_refused(rollout: Rollout) -> None:
    assert sign_in(Role.SUPPORT).get(f"/rollouts/{rollout.pk}/replay/", ASKED | {"flag": "\x00"}).status_code == 400


def test_page__of_no_rollout__is_not_found() -> None:
    assert sign_in(Role.SUPPORT).get("/rollouts/999/replay/", ASKED).status_code == 404


def test_page__more_than_a_page_may_look_at__says_so_and_goes_on(
    rollout: Rollout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollouts.replay_views.MOST_LOOKS", {"error_rate": 42, "performance": 42})

    page = visit(sign_in(Role.SUPPORT), f"/rollouts/{rollout.pk}/replay/")

    assert "the command has no such bound" in page
    assert "since=2026-11-24T09%3A" in page


def test_choose__lists_what_has_begun(rollout: Rollout) -> None:
    client = sign_in(Role.SUPPORT)

    assert f'href="/rollouts/{rollout.pk}/replay/"' in client.get("/rollouts/replay/").content.decode()
    assert 'href="/rollouts/replay/"' in client.get("/health/guardrails/").content.decode()


def test_command__says_each_flag_and_each_moment(past: Rollout) -> None:
    said = run("--rollout", str(past.pk), "--limit", "3", "--mode", "hold")

    assert f"{past.pk}  1.3 → staging  error_rate, hold from 3 % on" in said
    assert "With 3 % it would have held buttons on " in said
    assert "  Really: nothing was decided." in said
    assert "[really so]" not in said


def test_command__json__holds_the_numbers(past: Rollout) -> None:
    found = json.loads(
        run("--rollout", str(past.pk), "--limit", "3", "--mode", "roll_back", "--flag", "buttons", "--json")
    )

    [act] = [line for line in found["lines"] if line["act"]]
    assert (act["act"], act["flag"], act["is_real"], act["is_assumed"]) == ("rolled_back", "buttons", False, False)
    assert (found["limit_bp"], found["flags"], found["decisions"]) == (300, ["buttons"], [])
    assert act["odds"] >= 25_000


def test_command__not_said__is_as_it_is_set_now(past: Rollout) -> None:
    assert "error_rate, observe from 10 % on" in run("--rollout", str(past.pk))


@pytest.mark.parametrize(
    "words",
    [
        ("--rollout", "x"),
        ("--rollout", "1", "--limit", "lots"),
        ("--rollout", "1", "--limit", "nan"),
        ("--rollout", "1", "--since", "then"),
        ("--rollout", "1", "--since", "1000-01-01"),
        ("--rollout", "1", "--cool-down", "²"),
        ("--rollout", "1", "--lane", "complaints"),
        (),
    ],
)
def test_command__what_it_cannot_read__is_one_line(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*words)


def test_command__unknown_rollout_or_flag__is_refused(rollout: Rollout) -> None:
    for words in (["999"], [str(rollout.pk), "--flag", "nothing"], [str(rollout.pk), "--limit", "0.5"]):
        with pytest.raises(InvalidInput):
            run("--rollout", *words)
