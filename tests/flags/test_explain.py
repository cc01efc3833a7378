"""Why this value: the page, the shell and the API say the same, and what evaluation does."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.conditions import Condition, Operator
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag
from flags.snapshots import KEEPER
from flags.transitions import NewMember, create_segment, kill_flag
from tests.asgi import Answer, ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_token
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
NEW = Condition("app_version", Operator.VERSION_AT_LEAST, "1.3.0")
PATH = "/api/v1/environments/prod/flags/buttons/explain"


class Shop:
    """A flag for pilots, for new tills, and for half of everybody else."""

    def __init__(self) -> None:
        self.environment: Environment = make_environment(key="prod")
        self.flag: Flag = make_flag(key="buttons", name="Buttons")
        pilots = create_segment(key="pilots", name="Pilots", members=[NewMember("ana")], **BY)
        make_rule(self.flag, self.environment, RuleAudience.for_segment(pilots.pk))
        make_rule(self.flag, self.environment, RuleAudience.where((NEW,)))
        half = (("on", 5_000), ("off", 5_000))
        make_rule(self.flag, self.environment, RuleAudience.everyone(), variant="", split=half)
        self.raw = {purpose: make_token(self.environment, purpose=purpose)[1] for purpose in Purpose}
        KEEPER.refresh()

    def ask(self, body: Any = None, *, path: str = PATH, purpose: Purpose = Purpose.MANAGE) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps({"context": body or {}}).encode()
        return ask(path, method="POST", headers={"authorization": f"Bearer {self.raw[purpose]}"}, body=raw)


@pytest.fixture
def shop() -> Iterator[Shop]:
    KEEPER.clear()
    yield Shop()
    KEEPER.clear()


def test_api__each_rule__says_why_it_fits_or_not(shop: Shop) -> None:
    told = shop.ask({"targetingKey": "bo", "app_version": "1.2.9"}).json()

    assert (told["decided_by"], told["rule"], told["reason"], told["rules_not_asked"]) == ("rule", 3, "SPLIT", 0)
    assert [(one["fits"], one["why"]) for one in told["rules_asked"]] == [
        (False, "not_named"),
        (False, "conditions_fail"),
        (True, "for_everyone"),
    ]
    assert told["rules_asked"][1]["conditions"][0]["found"] == "1.2.9"
    assert 0 <= told["rules_asked"][2]["bucket"] < 10_000
    assert told["value"] is (told["rules_asked"][2]["bucket"] < 5_000)
    assert told["environment"] == "prod"


def test_api__a_split_without_anybody__says_that_the_key_is_missing(shop: Shop) -> None:
    told = shop.ask({}).json()

    assert (told["error_code"], told["value"], told["decided_by"]) == ("TARGETING_KEY_MISSING", None, None)


def test_api__killed__asks_no_rule(shop: Shop) -> None:
    kill_flag(flag_id=shop.flag.pk, environment_id=shop.environment.pk, **BY)
    KEEPER.refresh()

    told = shop.ask({"targetingKey": "ana"}).json()

    assert (told["decided_by"], told["variant"], told["rules_asked"], told["rules_not_asked"]) == (
        "kill_switch",
        "off",
        [],
        3,
    )


@pytest.mark.parametrize("purpose", sorted(set(Purpose) - {Purpose.MANAGE}))
def test_api__another_token__is_refused(shop: Shop, purpose: Purpose) -> None:
    assert shop.ask({}, purpose=purpose).status == 403


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (PATH.replace("prod", "dev"), b"{}", 403, "FORBIDDEN"),
        (PATH.replace("buttons", "none"), b"{}", 404, "FLAG_NOT_FOUND"),
        (PATH, b"{", 400, "PARSE_ERROR"),
        (PATH, b"[]", 400, "INVALID_CONTEXT"),
        (PATH, b'{"context": 1}', 400, "INVALID_CONTEXT"),
        (PATH, b'{"context": "' + b"x" * 70_000 + b'"}', 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_api__wrong_input__is_answered_with_a_code(shop: Shop, path: str, body: bytes, status: int, code: str) -> None:
    answer = shop.ask(body, path=path)

    assert (answer.status, answer.json()["errorCode"]) == (status, code)


@pytest.mark.parametrize("odd", [b'"\\ud800"', b"1e999", b"[1]", b"null"])
def test_api__odd_attributes__are_told_as_far_as_json_goes(shop: Shop, odd: bytes) -> None:
    answer = shop.ask(b'{"context": {"app_version": ' + odd + b', "targetingKey": "bo"}}')

    assert answer.status == 200
    assert answer.json()["rules_asked"][1]["fits"] is False


def test_page__who_and_where__says_value_and_way(shop: Shop) -> None:
    page = sign_in().get("/flags/buttons/explain/?environment=prod&who=cy&attributes=app_version%3D1.3.1").content

    words = page.decode()
    assert "rule 2 decides" in words
    assert "the segment does not name this person" in words
    assert "app_version is at least the version “1.3.0”" in words
    assert "1 rule is not asked any more" in words


def test_page__an_unreadable_attribute__is_said_and_kept(shop: Shop) -> None:
    answer = sign_in().get("/flags/buttons/explain/?environment=prod&attributes=nonsense")

    assert answer.status_code == 400
    assert "“nonsense” is not an attribute: write name=value." in answer.content.decode()


def test_page__before_anybody_is_named__asks_who(shop: Shop) -> None:
    answer = sign_in().get("/flags/buttons/explain/")

    assert answer.status_code == 200
    assert 'id="explanation"' not in answer.content.decode()


def test_command__says_what_the_api_says(shop: Shop) -> None:
    out = io.StringIO()
    given = {"environment": "prod", "who": "bo", "site": "lyon", "attr": ["app_version=1.2.9", "age=5"], "stdout": out}
    call_command("flag", "explain", "buttons", **(given | {"env": given.pop("environment")}))

    told = json.loads(out.getvalue())
    context = {"targetingKey": "bo", "site": "lyon", "app_version": "1.2.9", "age": 5}
    assert told.pop("context") == context
    served = shop.ask(context).json()
    served.pop("revision")
    assert told == served


def test_command__an_unreadable_attribute__says_how(shop: Shop) -> None:
    with pytest.raises(CommandError, match="--attr NAME=VALUE"):
        call_command("flag", "explain", "buttons", env="prod", attr=["nonsense"])
