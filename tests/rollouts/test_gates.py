"""Whether a phase may end: only `pass` on every flag, after its days."""

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from rollouts.domain.gates import judge_gates
from rollouts.domain.templates import Gate
from tests.factories.world import DAY, make_rehearsal, make_world, play
from tests.signed_in import sign_in

SOAKED_AT = datetime(2026, 11, 4, 6, tzinfo=UTC)


@pytest.mark.parametrize(("late", "holds"), [(-1, False), (0, True), (1, True)])
def test_soak__until_its_moment__does_not_hold(late: int, holds: bool) -> None:
    now = SOAKED_AT + timedelta(seconds=late)

    (result,) = judge_gates(gates=[Gate.SOAK], soaked_at=SOAKED_AT, verdicts=[], now=now)

    assert (result.gate, result.holds) == (Gate.SOAK, holds)


@pytest.mark.parametrize("verdict", ["breach", "inconclusive", "error"])
def test_guardrails__any_verdict_but_pass__does_not_hold_and_names_the_flag(verdict: str) -> None:
    verdicts = [("buttons", "pass"), ("tickets", verdict)]

    (result,) = judge_gates(gates=[Gate.GUARDRAILS], soaked_at=SOAKED_AT, verdicts=verdicts, now=SOAKED_AT)

    assert (result.holds, result.code) == (False, "guardrails_do_not_pass")
    assert result.data == {"flags": [["tickets", verdict]], "judged": 2}


def test_guardrails__nothing_judged__does_not_hold() -> None:
    (result,) = judge_gates(gates=[Gate.GUARDRAILS], soaked_at=SOAKED_AT, verdicts=[], now=SOAKED_AT)

    assert (result.holds, result.code) == (False, "guardrails_judged_nothing")


def test_gates__none__are_none() -> None:
    assert judge_gates(gates=[], soaked_at=SOAKED_AT, verdicts=[("buttons", "breach")], now=SOAKED_AT) == []


@pytest.mark.django_db
def test_page__held_at_a_gate__says_in_french_which_flag_lacks_what() -> None:
    start = clock.now() - timedelta(seconds=DAY * 3)
    world = make_world(now=start)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=DAY * 3, healthy=False)
    client = sign_in()
    client.cookies["django_language"] = "fr"

    page = client.get(f"/rollouts/{rollout.pk}/").content.decode()

    assert "Buttons — … trop peu pour juger" in page
    assert "planificateur" in page
