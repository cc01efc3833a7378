"""`/flagd/v1/flags.json` (contracts §4): who may read it, and what flagd's evaluator makes of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.purposes import Purpose
from flags.snapshots import KEEPER
from flags.transitions import kill_flag
from tests.asgi import Answer, ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site, make_token

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/flagd/v1/flags.json"


class Shop:
    def __init__(self) -> None:
        self.environment, self.flag, self.site = make_environment(), make_flag(), make_site()
        make_rule(self.flag, self.environment, RuleAudience.for_site(self.site.pk))
        self.raw = {purpose: make_token(self.environment, purpose=purpose)[1] for purpose in Purpose}
        KEEPER.refresh()

    def read(self, purpose: Purpose = Purpose.SERVER, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(PATH, headers={"authorization": f"Bearer {self.raw[purpose]}"} | named)


@pytest.fixture
def shop() -> Iterator[Shop]:
    KEEPER.clear()
    yield Shop()
    KEEPER.clear()


def test_flags__a_server_reads_them__flagd_gives_the_portals_values(shop: Shop) -> None:
    answer = shop.read()
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")

    core = FlagdCore()
    core.set_flags(json.dumps(answer.json()))
    for site, value in ((shop.site.key, True), ("elsewhere", False)):
        found = core.resolve_boolean_value(shop.flag.key, False, EvaluationContext("ana", {"site": site}))
        assert found.value is value


def test_flags__unchanged__is_304_until_something_changes(shop: Shop) -> None:
    etag = shop.read().headers["etag"]
    again = shop.read(if_none_match=etag)
    assert (again.status, again.body) == (304, b"")

    kill_flag(flag_id=shop.flag.pk, environment_id=shop.environment.pk, actor=DEMO, reason="a test", now=NOW)
    KEEPER.refresh()
    changed = shop.read(if_none_match=etag)
    assert changed.status == 200
    shown: dict[str, Any] = changed.json()["flags"][shop.flag.key]
    assert (shown["state"], shown["defaultVariant"]) == ("ENABLED", "off")
    assert not shown.get("targeting")


@pytest.mark.parametrize("purpose", [Purpose.CLIENT, Purpose.TELEMETRY, Purpose.MANAGE])
def test_flags__another_purpose__is_403(shop: Shop, purpose: Purpose) -> None:
    assert shop.read(purpose).status == 403


def test_flags__no_token_or_another_method__is_refused(shop: Shop) -> None:
    assert ask(PATH).status == 401
    assert ask(PATH, method="POST").status == 405
