from enum import StrEnum

import pytest

from core.domain.lifecycle import can_move, check_move, draw_mermaid
from core.errors import Refusal


class Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


EDGES = {Door.OPEN: {Door.SHUT}, Door.SHUT: {Door.OPEN, Door.GONE}, Door.GONE: set[Door]()}


@pytest.mark.parametrize("start", Door)
@pytest.mark.parametrize("end", Door)
def test_check_move__every_pair__agrees_with_the_table(start: Door, end: Door) -> None:
    if end in EDGES[start]:
        assert can_move(EDGES, start=start, end=end)
        check_move(EDGES, start=start, end=end)
    else:
        assert not can_move(EDGES, start=start, end=end)
        with pytest.raises(Refusal) as refused:
            check_move(EDGES, start=start, end=end)
        assert refused.value.code == "wrong_state"
        assert refused.value.data == {"start": start.value, "end": end.value}


def test_draw_mermaid__table__draws_each_edge_and_the_ends() -> None:
    assert draw_mermaid(EDGES, initial=Door.OPEN) == (
        "stateDiagram-v2\n    [*] --> open\n    open --> shut\n    shut --> gone\n    shut --> open\n    gone --> [*]\n"
    )
