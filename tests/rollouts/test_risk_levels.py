import pytest

from rollouts.domain.risks import EDGES, RiskLevel, RiskState, level_of, score_of


@pytest.mark.parametrize(
    ("likelihood", "impact", "level"),
    [(1, 1, "low"), (2, 2, "low"), (1, 5, "medium"), (3, 4, "medium"), (3, 5, "high"), (5, 5, "high")],
)
def test_level__each_side_of_a_bound__is_as_the_matrix_says(likelihood: int, impact: int, level: str) -> None:
    assert level_of(likelihood=likelihood, impact=impact) == RiskLevel(level)
    assert level_of(likelihood=impact, impact=likelihood) == RiskLevel(level)


@pytest.mark.parametrize("value", [0, 6, -1])
def test_score__a_value_outside_the_scale__is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=str(value)):
        score_of(likelihood=value, impact=3)


def test_edges__every_state__opens_again_and_leaves_only_from_open() -> None:
    assert set(EDGES) == set(RiskState)
    assert EDGES[RiskState.OPEN] == set(RiskState) - {RiskState.OPEN}
    assert all(EDGES[s] == {RiskState.OPEN} for s in RiskState if s != RiskState.OPEN)
