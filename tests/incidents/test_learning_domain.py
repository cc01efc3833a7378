"""Pure rules of learning: what is missing, when it is due, when people are reminded, what is the same trouble."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.business_time import is_open, local_day
from incidents.domain import measuring, reviewing
from incidents.domain.gaps import (
    SECTIONS,
    Learnt,
    compose_cause,
    find_basic_gaps,
    find_closing_gaps,
    find_due_on,
    find_publishing_gaps,
    find_section_gaps,
    is_asked,
)
from incidents.domain.recurrence import Trait, say_why_alike, split_words
from incidents.domain.reminding import OF_MEASURES, OF_POST_MORTEMS, Rhythm, find_reminder
from incidents.domain.reviewing import Stage, Visibility
from incidents.domain.tiers import Tier

PARIS = ZoneInfo("Europe/Paris")
ALL = frozenset({"root_cause", "documentation_updates", *SECTIONS})


def _learnt(**given: object) -> Learnt:
    whole: dict[str, object] = {
        "written": ALL,
        "measures": frozenset({"preventive"}),
        "stage": Stage.APPROVED,
        "visibility": Visibility.INTERNAL,
        "is_restored": True,
    }
    return Learnt(**(whole | given))  # type: ignore[arg-type]  # as given


@pytest.mark.parametrize("edges", [reviewing.EDGES, measuring.EDGES])
def test_edges__each_table__names_every_state_and_nothing_else(edges: dict[object, frozenset[object]]) -> None:
    kind = type(next(iter(edges)))

    assert set(edges) == set(kind)  # type: ignore[call-overload]  # an enum
    assert set().union(*edges.values()) <= set(edges)


def test_gaps__whole__are_none() -> None:
    assert find_publishing_gaps(_learnt()) == []
    assert find_closing_gaps(_learnt(stage=Stage.PUBLISHED), asked=True) == []


def test_gaps__nothing_written__are_all_named_at_once() -> None:
    empty = _learnt(written=frozenset(), measures=frozenset(), stage=Stage.DRAFT, is_restored=False)

    assert find_basic_gaps(empty) == ["root_cause_missing", "documentation_missing", "measures_missing"]
    assert find_section_gaps(empty) == [
        *find_basic_gaps(empty),
        *(f"{name}_missing" for name in SECTIONS),
        "not_restored",
    ]
    assert find_closing_gaps(empty, asked=True)[-2:] == ["not_approved", "not_published"]
    assert find_closing_gaps(empty, asked=False) == find_basic_gaps(empty)


@pytest.mark.parametrize("name", sorted(ALL))
def test_gaps__one_text_missing__is_the_only_gap(name: str) -> None:
    code = "documentation_missing" if name == "documentation_updates" else f"{name}_missing"

    assert find_publishing_gaps(_learnt(written=ALL - {name})) == [code]


def test_gaps__measures__of_documentation_stand_for_its_text_and_of_detection_for_nothing() -> None:
    without = ALL - {"documentation_updates"}

    assert find_publishing_gaps(_learnt(written=without, measures=frozenset({"preventive", "documentation"}))) == []
    assert find_publishing_gaps(_learnt(measures=frozenset({"detection"}))) == ["measures_missing"]


@pytest.mark.parametrize("written", [ALL, ALL | {"public_title"}, ALL | {"public_text"}])
def test_gaps__public_without_its_words__is_one(written: frozenset[str]) -> None:
    assert find_section_gaps(_learnt(written=written, visibility=Visibility.PUBLIC)) == ["public_text_missing"]


@pytest.mark.parametrize("stage", [Stage.DRAFT, Stage.IN_REVIEW])
def test_gaps__not_approved__is_one(stage: Stage) -> None:
    assert find_publishing_gaps(_learnt(stage=stage)) == ["not_approved"]
    assert find_closing_gaps(_learnt(stage=stage), asked=True) == ["not_approved", "not_published"]
    assert find_closing_gaps(_learnt(), asked=True) == ["not_published"]


@pytest.mark.parametrize(
    ("tier", "wanted", "rehearsal", "asked"),
    [
        (Tier.CRITICAL, False, False, True),
        (Tier.IMPORTANT, False, False, True),
        (Tier.MINOR, False, False, False),
        (Tier.MINOR, True, False, True),
        (Tier.CRITICAL, False, True, False),
        (Tier.CRITICAL, True, True, True),
    ],
)
def test_is_asked__tier_wish_rehearsal__as_told(tier: Tier, wanted: bool, rehearsal: bool, asked: bool) -> None:
    assert is_asked(highest_tier=tier, is_wanted=wanted, is_rehearsal=rehearsal) is asked


@pytest.mark.parametrize(
    ("restored_at", "tier", "due_on"),
    [
        # Friday 20 November 2026.
        (datetime(2026, 11, 20, 12, tzinfo=UTC), Tier.CRITICAL, date(2026, 11, 23)),
        (datetime(2026, 11, 20, 12, tzinfo=UTC), Tier.IMPORTANT, date(2026, 11, 27)),
        # Half past midnight in Paris: the day after.
        (datetime(2026, 11, 19, 23, 30, tzinfo=UTC), Tier.CRITICAL, date(2026, 11, 23)),
        # Armistice day (Wednesday 11) does not count.
        (datetime(2026, 11, 6, 12, tzinfo=UTC), Tier.IMPORTANT, date(2026, 11, 16)),
        # Christmas (Friday) and New Year (Friday).
        (datetime(2026, 12, 24, 12, tzinfo=UTC), Tier.IMPORTANT, date(2027, 1, 4)),
        (datetime(2026, 12, 24, 12, tzinfo=UTC), Tier.MINOR, date(2027, 1, 4)),
    ],
)
def test_due_on__weekends_and_holidays__count_for_critical_alone(
    restored_at: datetime, tier: Tier, due_on: date
) -> None:
    assert find_due_on(restored_at=restored_at, tier=tier, zone=PARIS) == due_on


@given(st.integers(0, 15 * 365 * 24 * 60))
def test_due_on__any_moment__is_the_fifth_working_day_after(minutes: int) -> None:
    restored_at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    due_on, day = (
        find_due_on(restored_at=restored_at, tier=Tier.IMPORTANT, zone=PARIS),
        local_day(restored_at, zone=PARIS),
    )
    between = [day + timedelta(days=n) for n in range(1, (due_on - day).days + 1)]

    assert sum(is_open(one, weekdays=range(1, 6)) for one in between) == 5
    assert is_open(due_on, weekdays=range(1, 6))


@pytest.mark.parametrize(
    ("rhythm", "days", "stage"),
    [
        (OF_MEASURES, -3, None),
        (OF_MEASURES, -2, "before"),
        (OF_MEASURES, -1, "before"),
        (OF_MEASURES, 0, "0"),
        (OF_MEASURES, 6, "0"),
        (OF_MEASURES, 7, "1"),
        (OF_MEASURES, 70, "10"),
        (OF_POST_MORTEMS, -2, None),
        (OF_POST_MORTEMS, -1, "before"),
        (OF_POST_MORTEMS, 0, "0"),
        (OF_POST_MORTEMS, 1, "0"),
        (OF_POST_MORTEMS, 2, "1"),
    ],
)
def test_reminder__days_from_the_date__to_the_day(rhythm: Rhythm, days: int, stage: str | None) -> None:
    due_on = date(2026, 11, 20)

    assert find_reminder(rhythm, due_on=due_on, today=due_on + timedelta(days=days)) == stage


def test_compose_cause__answers_with_holes__are_numbered_lines() -> None:
    composed = compose_cause([" Totals\nwrong ", "", "Rounding twice", "", "No test"])

    assert composed == "1. Totals wrong\n2. Rounding twice\n3. No test"
    assert compose_cause(["", " "]) == ""


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Trait({"a", "b"}, set(), set()), "same_flag"),
        (Trait(set(), {"lyon"}, split_words("Tickets faux à LYON")), "same_site_and_words"),
        (Trait(set(), {"lyon"}, split_words("Tickets manquants")), None),
        (Trait(set(), {"nantes"}, split_words("Tickets faux")), None),
        (Trait(set(), {"lyon"}, frozenset()), None),
        (Trait({"c"}, set(), split_words("Tickets faux")), None),
    ],
)
def test_alike__flag_or_site_and_words__else_not(other: Trait, why: str | None) -> None:
    own = Trait({"a"}, {"lyon"}, split_words("Les tickets fàux de la caisse"))

    assert say_why_alike(own, other) == why
    assert say_why_alike(other, own) == why
