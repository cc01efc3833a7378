"""When the public hears the next word, what stands on the board, what of the checklist is done."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.domain.board import Deed, fold
from incidents.domain.checklist import CHECKLISTS, SEEN, Facts, Item, can_tick, list_done
from incidents.domain.tiers import Tier
from incidents.domain.words import EVERY, FIRST_WITHIN, LastWord, WordStatus, can_promise, next_word_due

OPENED = datetime(2026, 11, 4, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_due__nothing_said__is_five_minutes_after_opening() -> None:
    assert next_word_due(opened_at=OPENED, restored_at=None, last=None) == OPENED + 5 * MINUTE


def test_due__nothing_said_and_restored__is_none() -> None:
    assert next_word_due(opened_at=OPENED, restored_at=OPENED + MINUTE, last=None) is None


@pytest.mark.parametrize("status", WordStatus)
def test_due__said_while_it_runs__is_twenty_minutes_later_or_as_promised(status: WordStatus) -> None:
    at = OPENED + 7 * MINUTE

    assert next_word_due(opened_at=OPENED, restored_at=None, last=LastWord(at, status)) == at + 20 * MINUTE
    promised = LastWord(at, status, at + 9 * MINUTE)
    assert next_word_due(opened_at=OPENED, restored_at=None, last=promised) == at + 9 * MINUTE


def test_due__restored_after_a_word__its_end_is_said_within_five_minutes() -> None:
    restored = OPENED + 10 * MINUTE
    told = LastWord(OPENED + 5 * MINUTE, WordStatus.IDENTIFIED)

    assert next_word_due(opened_at=OPENED, restored_at=restored, last=told) == restored + 5 * MINUTE
    soon = LastWord(told.at, told.status, OPENED + 12 * MINUTE)
    assert next_word_due(opened_at=OPENED, restored_at=restored, last=soon) == OPENED + 12 * MINUTE
    over = LastWord(restored, WordStatus.RESOLVED)
    assert next_word_due(opened_at=OPENED, restored_at=restored, last=over) is None


@given(minutes=st.integers(0, 600), status=st.sampled_from(WordStatus))
def test_due__while_it_runs__nobody_waits_longer_than_the_pace(minutes: int, status: WordStatus) -> None:
    at = OPENED + minutes * MINUTE

    due = next_word_due(opened_at=OPENED, restored_at=None, last=LastWord(at, status))

    assert due is not None
    assert timedelta() < due - at <= max(EVERY, FIRST_WITHIN)


@pytest.mark.parametrize(
    ("tier", "minutes", "may"),
    [
        (Tier.CRITICAL, 20, True),
        (Tier.CRITICAL, 21, False),
        (Tier.IMPORTANT, 0, False),
        (Tier.IMPORTANT, -1, False),
        (Tier.MINOR, 480, True),
        (Tier.MINOR, 481, False),
    ],
)
def test_promise__by_tier__is_ahead_and_within_the_pace(tier: Tier, minutes: int, may: bool) -> None:
    assert can_promise(next_at=OPENED + minutes * MINUTE, now=OPENED, tier=tier) is may


def _deeds(*given: tuple[str, object]) -> list[Deed]:
    names = {"known": "text", "pinned": "entry", "unpinned": "entry", "ticked": "item", "unticked": "item"}
    return [
        Deed(number, code, str(value) if code == "known" else "", {names[code]: value}, "Mia", OPENED)
        for number, (code, value) in enumerate(given, start=1)
    ]


def test_board__deeds__the_newest_summary_and_what_was_not_taken_off_stand() -> None:
    board = fold(
        _deeds(
            *(("known", "a"), ("pinned", 7), ("pinned", 8), ("unpinned", 7), ("known", "b"), ("pinned", 9)),
            *(("ticked", "call_shops"), ("ticked", "check_at_till"), ("unticked", "check_at_till")),
        )
    )

    assert board.known is not None
    assert (board.known.note, board.known_version) == ("b", 5)
    assert board.pinned == (9, 8)
    assert set(board.ticked) == {"call_shops"}


def test_board__nothing__is_empty() -> None:
    assert (fold([]).known_version, fold([]).pinned, dict(fold([]).ticked)) == (0, (), {})


def test_checklist__facts_and_ticks__each_item_by_who_knows_it() -> None:
    facts = Facts(is_commanded=True, has_first_word=True, is_restored=True)

    done = list_done(facts=facts, ticked={"call_shops", "say_end", "nothing"})

    assert done == {Item.COMMAND, Item.SAY_FIRST, Item.STOP_HARM, Item.RESTORED, Item.CALL_SHOPS}


@pytest.mark.parametrize("tier", Tier)
def test_checklist__each_tier__people_tick_what_no_program_sees(tier: Tier) -> None:
    items = CHECKLISTS[tier]

    assert {item for item in Item if can_tick(item, tier=tier)} == set(items) - SEEN
    assert not can_tick("nothing", tier=tier)
    assert {Item.COMMAND, Item.SAY_FIRST, Item.CHECK_AT_TILL} <= set(items)
