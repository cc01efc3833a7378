"""How migrations are gone back behind: pure rules."""

import pytest

from recovery.domain.reversals import (
    NOTHING,
    Looked,
    Reversal,
    Reversibility,
    fill_words,
    judge,
    list_gone,
    list_new,
    list_reversals,
    worst,
)

CLEAN, LOSSY, NEVER = Reversibility.CLEAN, Reversibility.LOSSY, Reversibility.IRREVERSIBLE


def test_list_new__of_two_looks__in_their_order() -> None:
    assert list_new(["a", "b"], ["a", "b", "d", "c"]) == ["d", "c"]
    assert list_new(["old-head"], ["new-head"]) == ["new-head"]


@pytest.mark.parametrize(
    ("before", "new", "expected"),
    [
        (["1.0_a 1", "1.1_b"], ["2.0_c words"], [("2.0_c words", "", "1.1_b")]),
        (["1.0_a words"], ["2.0_b"], [("2.0_b", "", "1.0_a")]),
        (["0001", "0002"], ["0003", "0004"], [("0004", "", "0003"), ("0003", "", "0002")]),
        ([], ["0001"], [("0001", "", NOTHING)]),
        # One head alone, as Alembic keeps it.
        (["ae10"], ["bf22"], [("bf22", "", "ae10")]),
        # Django: each app has a chain of its own.
        (
            ["shop.0001_initial", "auth.0001_initial"],
            ["shop.0002_price", "till.0001_initial", "shop.0003_tax"],
            [
                ("shop.0003_tax", "shop", "0002_price"),
                ("till.0001_initial", "till", NOTHING),
                ("shop.0002_price", "shop", "0001_initial"),
            ],
        ),
    ],
)
def test_list_reversals__the_last_first__each_to_the_one_before(
    before: list[str], new: list[str], expected: list[tuple[str, str, str]]
) -> None:
    has_apps = any(one.startswith("shop.") for one in before)

    assert list_reversals(before, new, has_apps=has_apps) == [Reversal(*one) for one in expected]


def test_fill_words__a_word__stays_one_word_and_is_filled_once() -> None:
    words = ["migrate", "{app}", "to={name}", "{other}"]

    assert fill_words(words, Reversal("x", "{name}", "00 02; {app}")) == [
        "migrate",
        "{name}",
        "to=00 02; {app}",
        "{other}",
    ]


def test_worst__of_some__is_the_last_in_the_order() -> None:
    assert worst([]) == CLEAN
    assert worst([CLEAN, NEVER, LOSSY]) == NEVER


@pytest.mark.parametrize(
    ("looked", "same", "expected"),
    [
        ([Looked("b", True), Looked("a", True)], (True, True, True), {"b": CLEAN, "a": CLEAN}),
        ([Looked("b", True, ("t.c",)), Looked("a", True)], (True, True, True), {"b": LOSSY, "a": CLEAN}),
        ([Looked("b", True), Looked("a", False)], (True, True, True), {"b": NEVER, "a": NEVER}),
        ([Looked("b", False), Looked("a", True)], (True, True, True), {"b": NEVER, "a": NEVER}),
        ([Looked("b", True), Looked("a", True)], (False, True, True), {"b": NEVER, "a": NEVER}),
        ([Looked("b", True), Looked("a", True)], (True, False, True), {"b": LOSSY, "a": LOSSY}),
        ([Looked("b", True)], (True, True, False), {"b": NEVER}),
        ([], (True, True, True), {}),
    ],
)
def test_judge__what_was_seen__is_how_well_it_goes_back(
    looked: list[Looked], same: tuple[bool, bool, bool], expected: dict[str, Reversibility]
) -> None:
    is_schema_same, is_data_same, runs_again = same

    assert judge(looked, is_schema_same=is_schema_same, is_data_same=is_data_same, runs_again=runs_again) == expected


def test_list_gone__tables_and_columns__by_name() -> None:
    before = {"public.a": ("x", "y"), "public.b": ("x",)}

    assert list_gone(before, {"public.a": ("x", "z")}) == ("public.a.y", "public.b")
