"""What a day's complaints ask for: the limit for everybody, and the rules of a small pilot."""

from dataclasses import replace
from datetime import date

import pytest

from health.domain.complaints import Alarm, Code, Heard, Voice, group_alike, judge_day, tally

DAY = date(2026, 11, 24)


def _hear(*voices: tuple[str, str | None, str]) -> list[Heard]:
    return [
        Heard(number, "lyon", DAY, Voice(reporter, flag, text))
        for number, (reporter, flag, text) in enumerate(voices, 1)
    ]


def _crowd(count: int, *, flag: str | None = "buttons") -> list[Heard]:
    return _hear(*((f"cashier {number}", flag, f"Wrong {number}") for number in range(count)))


@pytest.mark.parametrize(("count", "alarm"), [(0, None), (10, None), (11, Alarm(Code.LIMIT, 11))])
def test_judge_day__of_everybody__asks_at_the_eleventh(count: int, alarm: Alarm | None) -> None:
    assert judge_day(_crowd(count)) == alarm


def test_judge_day__the_same_person_on_the_same_thing__counts_once() -> None:
    assert judge_day(_hear(*[("Marie", "buttons", "Wrong")] * 11)) is None


def test_judge_day__two_different_people_on_one_flag_of_a_few__is_enough() -> None:
    heard = _hear(("Marie", "buttons", "Wrong"), ("marie ", "buttons", "Slow"), ("Ana", "tickets", "Torn"))
    assert judge_day(heard, few={"buttons", "tickets"}, people=4) is None

    heard += _hear(("Léa", "buttons", "Small"))

    assert judge_day(heard, few={"buttons", "tickets"}, people=4) == Alarm(Code.ONE_FLAG, 2, "buttons", 4)


def test_judge_day__two_without_a_name__are_two_people() -> None:
    heard = _hear(("", "buttons", "Wrong"), ("", "buttons", "Slow"))

    assert judge_day(heard, few={"buttons"}, people=9) == Alarm(Code.ONE_FLAG, 2, "buttons", 9)


def test_judge_day__who_repeats_another__is_a_person_of_a_pilot_and_no_complaint() -> None:
    heard = _hear(("Marie", "buttons", "Wrong"), ("Ana", "buttons", "Wrong"))
    again = [heard[0], replace(heard[1], is_repeated=True)]

    assert judge_day(again, few={"buttons"}, people=9) == Alarm(Code.ONE_FLAG, 2, "buttons", 9)
    assert judge_day(again, few={"tickets"}, people=9) is None
    assert judge_day([*_crowd(10), replace(_crowd(11)[-1], is_repeated=True)]) is None
    nameless = [heard[0], replace(_hear(("", "buttons", "Wrong"))[0], number=2, is_repeated=True)]
    assert judge_day(nameless, few={"buttons"}, people=9) is None


def test_judge_day__as_many_complaints_as_people__is_enough() -> None:
    few = {"buttons", "tickets", "signals"}
    heard = _hear(("Marie", "buttons", "Wrong"), ("Ana", "tickets", "Torn"))
    assert judge_day(heard, few=few, people=3) is None

    heard += _hear(("Marie", "signals", "Too loud"))

    assert judge_day(heard, few=few, people=3) == Alarm(Code.EACH_ONE, 3, people=3)


def test_judge_day__a_flag_that_whole_sites_have__asks_only_at_the_limit() -> None:
    assert judge_day(_crowd(5), few={"tickets"}, people=2) is None
    assert judge_day(_crowd(2, flag=None), few={"buttons"}, people=2) is None


def test_judge_day__both__says_the_limit() -> None:
    assert judge_day(_crowd(11), few={"buttons"}, people=3) == Alarm(Code.LIMIT, 11)


def test_tally__most_come_first() -> None:
    heard = _hear(("", None, "a"), ("", "buttons", "b"), ("", "buttons", "c"))

    assert tally(heard) == ({"buttons": 2, "": 1}, {"lyon": 3})


def test_group_alike__most_words_in_common__come_together() -> None:
    texts = {
        1: "Printer paper empty",
        2: "The price button does nothing",
        3: "Customer display dark",
        4: "Price button frozen since noon",
        5: "",
        6: "The price of the book is wrong",
        7: "Button price nothing",
    }

    assert group_alike(texts) == [[2, 4, 7], [1], [3], [5], [6]]
