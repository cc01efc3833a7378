"""One driver at a time has an operation, and lets it go for the next one at once."""

import pytest

from recovery.driving import hold


@pytest.mark.django_db(transaction=True)
def test_hold__let_go_and_held_again_at_once__is_had_each_time() -> None:
    had = []

    for _turn in range(30):
        with hold(1) as is_held, hold(1) as is_held_by_another:
            had.append((is_held, is_held_by_another))

    assert had == [(True, False)] * 30
