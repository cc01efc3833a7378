"""One driver at a time has an operation, and lets it go for the next one at once."""

from typing import Any

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper

from recovery.driving import hold


@pytest.mark.django_db(transaction=True)
def test_hold__let_go__is_free_before_its_connection_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[Any] = []
    with monkeypatch.context() as slow:
        # The server learns of a connection's end when it comes to it.
        slow.setattr(DatabaseWrapper, "close", lambda connection: ended.append(connection))  # noqa: PLW0108  # becomes a method
        with hold(1) as is_held, hold(1) as is_held_by_another:
            had = (is_held, is_held_by_another)
        with hold(1) as is_held_again:
            pass
    for connection in ended:
        connection.close()

    assert had == (True, False)
    assert is_held_again
