"""Messages name flags as people do: by the name of that moment, with the key where it helps."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from flags.models import Flag
from notifications.domain.audience import DRIVERS
from notifications.labels import list_facts, say_body, say_subject
from notifications.models import Event
from notifications.transitions import publish
from tests.factories.flags import make_flag

NOW = datetime(2026, 11, 4, 12, tzinfo=UTC)


def _publish(data: dict[str, Any], *, key: str = "one") -> Event:
    made = publish(kind="flag_rolled_back", data=data, audience=DRIVERS, dedupe_key=key, now=NOW)
    assert made is not None
    return made


@pytest.mark.django_db
def test_message__of_a_flag__says_its_name_of_then() -> None:
    make_flag(key="price-buttons", name="Price buttons")
    event = _publish({"flags": ["price-buttons", "gone"], "environment": "prod", "reason": "Wrong"})
    Flag.objects.update(name="Renamed")

    with translation.override("en"):
        assert say_subject(event) == "Price buttons, gone rolled back in prod"
        assert say_body(event).startswith("Price buttons, gone is off for everyone")
        assert ("Flags", "Price buttons (price-buttons), gone") in list_facts(event)


@pytest.mark.django_db
def test_publish__without_flags__asks_for_no_names() -> None:
    make_flag(key="price-buttons", name="Price buttons")
    counts = []

    for number, data in enumerate(({"environment": "prod"}, {"environment": "prod", "flag": "price-buttons"})):
        with CaptureQueriesContext(connection) as queries:
            _publish(data, key=str(number))
        counts.append(len(queries))

    assert counts[1] == counts[0] + 1


@pytest.mark.django_db
def test_publish__told_already__asks_for_no_names() -> None:
    make_flag(key="price-buttons", name="Price buttons")
    _publish({"flag": "price-buttons"})

    with CaptureQueriesContext(connection) as queries:
        again = publish(
            kind="flag_rolled_back", data={"flag": "price-buttons"}, audience=DRIVERS, dedupe_key="one", now=NOW
        )

    assert again is None
    assert not [one for one in queries.captured_queries if "flags_flag" in one["sql"]]


def test_message__written_before_names_were_kept__says_the_key() -> None:
    event = Event(kind="flag_rolled_back", data={"flags": ["price-buttons"], "environment": "prod"})

    with translation.override("en"):
        assert say_subject(event) == "price-buttons rolled back in prod"
