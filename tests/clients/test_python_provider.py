"""The OpenFeature SDK of Python with its OFREP provider, unmodified, against a whole portal."""

from collections.abc import Iterator

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode

from tests.scenarios.stage import Stage

DOMAIN = "clients"


@pytest.fixture
def client(stage: Stage) -> Iterator[OpenFeatureClient]:
    token = stage.tell("demo", "tokens", stage.tell("demo", "rollout", "environment"), "server")
    provider = OFREPProvider(stage.tell("url"), headers_factory=lambda: {"Authorization": f"Bearer {token}"})
    api.set_provider(provider, domain=DOMAIN)
    yield api.get_client(DOMAIN)
    api.clear_providers()


def test_flag__on_at_the_site__has_value_variant_reason_and_metadata(stage: Stage, client: OpenFeatureClient) -> None:
    shown = stage.tell("demo", "rollout")
    context = EvaluationContext("someone-there", {"site": shown["site"]})

    details = client.get_boolean_details(shown["flag"], False, context)

    assert (details.value, details.variant, str(details.reason)) == (True, "on", "TARGETING_MATCH")
    assert (details.flag_metadata["layer"], details.flag_metadata["site"]) == ("rule", shown["site"])
    assert details.flag_metadata["phase"]


@pytest.mark.parametrize("fallback", [True, False])
def test_flag__unknown__is_the_default_and_flag_not_found(client: OpenFeatureClient, fallback: bool) -> None:
    details = client.get_boolean_details("no_such_flag", fallback, EvaluationContext("cashier-1"))

    assert (details.value, details.error_code) == (fallback, ErrorCode.FLAG_NOT_FOUND)
