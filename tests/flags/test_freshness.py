"""Hints of a stream's event: a process that is behind looks before it answers (contracts §3)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from core.actors import DEMO
from flags import freshness
from flags.domain.purposes import Purpose
from flags.models import EnvironmentRevision
from flags.snapshots import KEEPER
from flags.transitions import kill_flag, switch_on
from tests.asgi import ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}


class Behind:
    """A process that has not heard yet that its flag was killed."""

    def __init__(self) -> None:
        self.environment, self.flag = make_environment(), make_flag()
        _token, self.raw = make_token(self.environment, purpose=Purpose.SERVER)
        switch_on(flag_id=self.flag.pk, environment_id=self.environment.pk, **BY)
        KEEPER.refresh()
        kill_flag(flag_id=self.flag.pk, environment_id=self.environment.pk, **BY)
        self.counter = EnvironmentRevision.objects.get(environment=self.environment)

    def is_on(self, query: str) -> bool:
        answer = ask(
            "/ofrep/v1/evaluate/flags", method="POST", headers={"x-api-key": self.raw}, body=b"{}", query=query
        )
        assert answer.status == 200
        [flag] = [one for one in answer.json()["flags"] if one["key"] == self.flag.key]
        return bool(flag["value"])


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Behind]:
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    monkeypatch.setattr(freshness, "_answered_at", -1_000.0)
    KEEPER.clear()
    yield Behind()
    KEEPER.clear()


def test_hint__a_newer_etag__is_followed(behind: Behind) -> None:
    assert behind.is_on("")
    assert not behind.is_on(f"flagConfigEtag={behind.counter.revision}-0123456789abcdef")


@pytest.mark.parametrize("form", ["seconds", "iso"])
def test_hint__a_later_moment__is_followed(behind: Behind, form: str) -> None:
    ahead = int(behind.counter.changed_at.timestamp()) + 60
    text = str(ahead) if form == "seconds" else "2099-01-01T00:00:00Z"
    assert not behind.is_on(f"flagConfigLastModified={text}")


@pytest.mark.parametrize(
    "query",
    [
        "flagConfigEtag=1-0123456789abcdef",
        "flagConfigEtag=nonsense",
        "flagConfigEtag=",
        "flagConfigLastModified=soon",
        "flagConfigLastModified=0",
        "flagConfigLastModified=" + "9" * 40,
        "flagConfigLastModified=0001-01-01",
        "other=1",
    ],
)
def test_hint__old_or_nonsense__asks_nothing(behind: Behind, query: str) -> None:
    assert behind.is_on(query)


def test_hint__of_what_does_not_exist__asks_once_a_second(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(KEEPER, "refresh", lambda: asked.append(1))
    for _ in range(5):
        behind.is_on("flagConfigEtag=999999-0")
    assert len(asked) == 1
