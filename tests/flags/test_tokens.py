"""Tokens: one purpose and one environment each, stored as a hash, revocable, with their last use."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput
from flags.domain.purposes import Purpose
from flags.domain.tokens import hash_token
from flags.models import ApiToken, TokenUse
from flags.snapshots import KEEPER
from flags.tokens import USES, authenticate
from flags.transitions import create_token, revoke_token
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}


@pytest.fixture(autouse=True)
def _fresh_keeper() -> Iterator[None]:
    KEEPER.clear()
    yield
    KEEPER.clear()
    USES.flush()


@pytest.mark.parametrize("purpose", list(Purpose))
def test_create_token__its_text__is_stored_nowhere(purpose: Purpose) -> None:
    _token, raw = make_token(make_environment(), purpose=purpose)

    assert raw.startswith(f"rp_{purpose}_")
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_stat_user_tables")
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(
                f"SELECT count(*) FROM {connection.ops.quote_name(table)} t WHERE t::text LIKE %s", [f"%{raw}%"]
            )
            assert cursor.fetchone() == (0,), table


def test_create_token__twice__never_makes_the_same() -> None:
    environment = make_environment()

    assert len({make_token(environment)[1] for _ in range(20)}) == 20


def test_history__of_a_token__holds_no_hash() -> None:
    token, _raw = make_token(make_environment())

    assert not hasattr(token.history.get(), "token_hash")


def test_authenticate__a_valid_token__says_whose_it_is() -> None:
    environment = make_environment()
    token, raw = make_token(environment, purpose=Purpose.SERVER)
    KEEPER.refresh()

    identity = authenticate(raw)

    assert identity is not None
    assert (identity.token_id, identity.environment_id, identity.environment_key, identity.purpose) == (
        token.pk,
        environment.pk,
        environment.key,
        Purpose.SERVER,
    )


@pytest.mark.parametrize("raw", ["", "rp_server_", "rp_server_x", "é" * 40])
def test_authenticate__anything_else__is_nobody(raw: str) -> None:
    make_token(make_environment())
    KEEPER.refresh()

    assert authenticate(raw) is None


def test_authenticate__the_stored_hash_itself__is_no_token() -> None:
    token, raw = make_token(make_environment())
    KEEPER.refresh()

    assert token.token_hash == hash_token(raw)
    assert authenticate(token.token_hash) is None


def test_revoke_token__once__ends_it_and_twice_says_so() -> None:
    token, raw = make_token(make_environment())
    KEEPER.refresh()
    assert authenticate(raw) is not None

    assert revoke_token(token_id=token.pk, **BY)
    assert not revoke_token(token_id=token.pk, **BY)

    KEEPER.refresh()
    assert authenticate(raw) is None
    assert [row.history_change_reason for row in token.history.all()] == ["a test", "needed by a test"]


def test_revoke_token__unknown__is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        revoke_token(token_id=10**9, **BY)

    assert refused.value.code == "token_unknown"


def test_create_token__without_a_name__is_refused_and_makes_none() -> None:
    environment = make_environment()

    with pytest.raises(InvalidInput):
        create_token(environment_id=environment.pk, purpose=Purpose.SERVER, name="", **BY)

    assert not ApiToken.objects.exists()


def test_uses__noted_twice__keep_the_later() -> None:
    token, _raw = make_token(make_environment())
    now = clock.now()

    USES.note(token.pk, now=now - timedelta(seconds=9))
    USES.note(token.pk, now=now)
    USES.flush()

    assert TokenUse.objects.get(token=token).last_used_at == now
