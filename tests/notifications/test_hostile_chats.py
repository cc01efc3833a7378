"""Known attacks in every word of every message to a channel: nobody is called by them, no link hides, no mark acts.

Each is read as the other side's own program reads it, beside the same message with harmless words.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from core import clock
from notifications.domain.chats import write_mattermost, write_slack, write_teams
from notifications.domain.messages import Message
from notifications.models import Channel, Delivery, Event
from notifications.senders import WRITERS
from notifications.speaking import say_flood, say_message
from notifications.webhook_bodies import write_body
from notifications.words import WORDS
from tests.hostile.attacks import Texts
from tests.hostile.files import judge, shape_of, write_permissively
from tests.hostile.messages import replace_words
from tests.notifications.test_courier import DATA

#: Calls somebody in Mattermost and Teams; an address has a letter before it.
CALL = re.compile(r"(?<!\w)@\w")
#: Wherever Slack looks for marks of its own, these three begin them.
SLACK_MARKS = re.compile(r"<|>|&(?!amp;|lt;|gt;)")
#: Read below: chats by what each acts on; a program's body as JSON; Apprise is handed plain text and says so.
READ = {*WRITERS, Channel.WEBHOOK, Channel.APPRISE, Channel.INBOX, Channel.EMAIL}


def _list_events(texts: Texts) -> list[Event]:
    """Return an event of each kind, with words of people's in the place of every word."""
    return [
        Event(
            pk=number,
            kind=kind,
            data={name: replace_words(name, value, texts) for name, value in DATA.items()},
            url="/rollouts/1/",
            created_at=clock.now(),
        )
        for number, kind in enumerate(WORDS, 1)
    ]


def _list_messages(language: str, *, is_harmless: bool) -> list[Message]:
    """Return each event as a message, and all of them as one."""
    events = _list_events(Texts(0, is_harmless=is_harmless))
    return [*(say_message(one, language=language) for one in events), say_flood(events, language=language)]


@pytest.fixture(params=["en", "fr"])
def pairs(request: pytest.FixtureRequest) -> list[tuple[Message, Message]]:
    """Give messages with attacks in them, each with its harmless twin."""
    hostile, harmless = (_list_messages(request.param, is_harmless=one) for one in (False, True))
    return list(zip(hostile, harmless, strict=True))


def test_channels__each__is_read_here() -> None:
    """A chat has marks of its own that call people and hide links: a channel more is judged here before it sends."""
    assert set(Channel) == READ


def test_slack__attacks__are_plain_text_and_call_nobody(pairs: list[tuple[Message, Message]]) -> None:
    for message, twin in pairs:
        said, other = write_slack(message), write_slack(twin)

        assert shape_of(said) == shape_of(other)
        assert not SLACK_MARKS.search(said["text"])
        assert {one["type"] for one in _find(said, "text") if isinstance(one, dict)} == {"plain_text"}
        assert _find(said, "url") == _find(other, "url")


def test_mattermost__attacks__are_read_as_they_were_written(pairs: list[tuple[Message, Message]]) -> None:
    for message, twin in pairs:
        said, other = write_mattermost(message), write_mattermost(twin)

        assert said.keys() == {"text"}
        assert _judge_markdown(said["text"], other["text"]) == []


def test_teams__attacks__are_read_as_they_were_written(pairs: list[tuple[Message, Message]]) -> None:
    for message, twin in pairs:
        said, other = write_teams(message), write_teams(twin)

        assert _find(said, "url") == _find(other, "url")
        for name in ("text", "title", "value"):
            for text, harmless in zip(_find(said, name), _find(other, name), strict=False):
                assert _judge_markdown(text, harmless) == []


def test_webhook__attacks__are_values_of_the_same_json() -> None:
    for hostile, harmless in zip(
        *(_list_events(Texts(0, is_harmless=is_harmless)) for is_harmless in (False, True)), strict=True
    ):
        said, other = (json.loads(write_body(Delivery(pk=1, event=one))) for one in (hostile, harmless))

        assert shape_of(said) == shape_of(other)


@pytest.mark.parametrize(
    "text", ["@all look", "[free](https://evil.example)", "<b>bold</b>", "![x](https://evil.example/p.png)", "# Title"]
)
def test_judge__words_let_through__are_seen(text: str) -> None:
    assert _judge_markdown(f"Said: {text}" if text[0] != "#" else text, "Said: a") != []


def _judge_markdown(text: str, twin: str) -> list[str]:
    """Return what Markdown of ours lets people's words do, read by a program that lets HTML through."""
    faults = judge("text/html", write_permissively(text), write_permissively(twin))
    return [*faults, *CALL.findall(text)]


def _find(value: Any, name: str) -> list[Any]:
    """Return everything that stands under a name, however deep, in its order."""
    return list(_walk(value, name))


def _walk(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, one in value.items():
            if key == name:
                yield one
            yield from _walk(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _walk(one, name)
