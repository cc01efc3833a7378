"""What is asked before and after each kind of rollback, and when figures are back: pure rules."""

import pytest

from procedures.domain.checklists import TEMPLATES, Kind, Stage, can_override, list_templates
from procedures.domain.figures import Figures, Verdict, describe, judge


def test_templates__each_kind__has_the_customers_four_before_and_four_after() -> None:
    asked = {kind: {one.code for one in list_templates(kind)} for kind in Kind}

    # Root cause, backup, people told, tried before; till, sales from end to end, data, metrics.
    before = {"root_cause", "recent_backup", "users_told", "tried_before"}
    after = {"till_works", "end_to_end", "data_sound", "metrics_back"}
    assert asked[Kind.DATABASE] >= before | after
    assert asked[Kind.IMMEDIATE] >= before | after | {"image_present"}
    assert asked[Kind.FEATURE] >= {"root_cause", "users_told", "flags_off", "till_works", "metrics_back"}
    assert all(codes >= {"business_impact", "data_integrity", "security"} for codes in asked.values())
    assert len({one.code for one in TEMPLATES}) == len(TEMPLATES)


def test_override__what_is_asked_before__alone() -> None:
    assert [stage for stage in Stage if can_override(stage)] == [Stage.BEFORE]


GOOD, BAD, FEW = Figures(100, 5, 0, 0), Figures(100, 6, 0, 0), Figures(19, 0, 0, 0)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (BAD, GOOD, Verdict.BACK),
        (Figures(100, 0, 1, 0), GOOD, Verdict.BACK),
        (GOOD, GOOD, Verdict.NEVER_OUT),
        (Figures(0, 0, 0, 0), GOOD, Verdict.NEVER_OUT),
        (BAD, BAD, Verdict.NOT_BACK),
        (GOOD, BAD, Verdict.NOT_BACK),
        (BAD, Figures(100, 0, 1, 0), Verdict.NOT_BACK),
        (BAD, FEW, Verdict.UNKNOWN),
        (BAD, Figures(0, 0, 0, 0), Verdict.UNKNOWN),
        (BAD, Figures(0, 0, 2, 0), Verdict.NOT_BACK),
        (BAD, Figures(20, 1, 0, 9), Verdict.BACK),
    ],
)
def test_judge__by_errors_of_enough_requests(before: Figures, after: Figures, expected: Verdict) -> None:
    assert judge(before, after, limit_bp=500) == expected


def test_describe__nothing_is_taken_back__says_nothing_of_afterwards() -> None:
    told = describe(BAD, None, limit_bp=500)

    assert (told["verdict"], told["after"]["requests"]) == ("not_done", 0)


def test_describe__both_windows__in_plain_values() -> None:
    told = describe(Figures(200, 20, 3, 1), Figures(40, 1, 0, 0), limit_bp=500)

    assert told["before"] == {"requests": 200, "errors": 20, "critical": 3, "complaints": 1, "error_bp": 1_000}
    assert (told["after"]["error_bp"], told["verdict"]) == (250, "back")
