"""Every address × every role: strangers are sent to sign in, people see what their role may see."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core.actors import SCHEDULER
from core.people import create_person
from core.roles import CAPABILITIES, Capability, Role
from tests.signed_in import sign_in_as

#: Apps whose every page carries its capability.
OURS = {
    "announcements",
    "flags",
    "health",
    "incidents",
    "notices",
    "notifications",
    "procedures",
    "recovery",
    "rollouts",
    "statuspage",
}
#: Pages that an address opens to whoever has it; tests/rollouts/test_feedback_pages.py, test_feeds.py and
#: tests/incidents/test_post_mortem_pages.py and tests/notices/test_pages.py say what they refuse.
PUBLIC = {
    "rollouts:feedback",
    "rollouts:feed",
    "incidents:public_post_mortem",
    "notices:problem",
    "statuspage:subscribe",
    "notifications:confirm_contact",
    "notifications:end_contact",
}
#: Pages that belong to no app.
ON_TOP = {"dashboard", "search"}


def _all_patterns() -> Iterator[tuple[str, URLPattern]]:
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and entry.app_name in OURS:
            for pattern in entry.url_patterns:
                if isinstance(pattern, URLPattern):
                    yield f"{entry.app_name}:{pattern.name}", pattern
        if isinstance(entry, URLPattern) and entry.name in ON_TOP:
            yield entry.name, entry


def _patterns() -> Iterator[tuple[str, URLPattern]]:
    return ((name, pattern) for name, pattern in _all_patterns() if name not in PUBLIC)


def _path(name: str, pattern: URLPattern) -> str:
    values = {"int": 1, "str": "x", "slug": "x", "path": "x"}
    kinds = {
        key: type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        for key, converter in pattern.pattern.converters.items()
    }
    return reverse(name, kwargs={key: values[kind] for key, kind in kinds.items()})


def test_pages__each__names_its_capability() -> None:
    without = [
        name
        for name, pattern in _patterns()
        if not isinstance(getattr(pattern.callback, "capability", None), Capability)
    ]

    assert without == []
    assert len(list(_patterns())) > 15
    assert {name for name, _pattern in _patterns()} >= ON_TOP


def test_pages__public__name_no_capability() -> None:
    addresses = dict(_all_patterns())

    assert {name for name in PUBLIC if not hasattr(addresses[name].callback, "capability")} == PUBLIC


@pytest.mark.django_db
def test_pages__stranger__is_sent_to_sign_in() -> None:
    client = Client()

    answers = {name: client.get(_path(name, pattern)).status_code for name, pattern in _patterns()}

    assert set(answers.values()) == {302}, answers


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(Role))
def test_pages__each_role__is_refused_exactly_what_it_may_not(role: Role) -> None:
    user = create_person(
        username="someone", roles=[role], actor=SCHEDULER, reason="test", now=datetime(2026, 11, 24, tzinfo=UTC)
    )
    client = sign_in_as(user)

    for name, pattern in _patterns():
        capability: Capability = pattern.callback.capability  # type: ignore[attr-defined]  # set by requires
        status = client.get(_path(name, pattern)).status_code
        if capability in CAPABILITIES[role]:
            assert status in {200, 302, 400, 404, 405, 409}, (name, status)
        else:
            assert status == 403, (name, status)
