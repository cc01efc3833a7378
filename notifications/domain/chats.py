"""Messages as Slack, Mattermost and Teams take them: nobody's words call people, make links or look like ours.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; Mattermost: its incoming webhooks;
Teams: an Adaptive Card as the Workflows webhook posts it.
"""

import json
import re
from typing import Any

from notifications.domain.messages import Message, shorten

#: Slack's bounds: of a header, and of a section's text.
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 2_900
#: Mattermost takes more; a message that fills the screen is read by nobody.
POST_CHARACTERS = 4_000
#: Teams takes about 28 KB, of which the envelope is a part.
CARD_BYTES = 20_000
CARD_CHARACTERS = 4_000
FACTS = 10
FACT_CHARACTERS = 300
ZERO_WIDTH = "\u200b"
#: What Markdown acts on.
MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>])")


def write_slack(message: Message) -> dict[str, Any]:
    """Return the body for an incoming webhook of Slack: the words for notifications, and blocks."""
    said = "\n".join(part for part in (message.body, message.next) if part)
    blocks: list[dict[str, Any] | None] = [
        {"type": "header", "text": _plain(shorten(message.subject, HEADER_CHARACTERS))},
        {"type": "section", "text": _plain(shorten(said, SECTION_CHARACTERS))} if said else None,
    ]
    facts = [_plain(shorten(f"{label}: {value}", FACT_CHARACTERS)) for label, value in message.facts[:FACTS]]
    blocks.append({"type": "section", "fields": facts} if facts else None)
    if message.url:
        link = {"type": "button", "text": _plain(message.open_words), "url": message.url}
        blocks.append({"type": "actions", "elements": [link]})
    return {"text": _slack(shorten(message.subject, SECTION_CHARACTERS)), "blocks": [one for one in blocks if one]}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def write_mattermost(message: Message) -> dict[str, Any]:
    """Return the body for an incoming webhook of Mattermost: it knows no blocks, and its text is Markdown."""
    parts = [f"**{_markdown(shorten(message.subject, FACT_CHARACTERS))}**"]
    parts += [_markdown(shorten(text, SECTION_CHARACTERS)) for text in (message.body, message.next) if text]
    facts = [
        f"- {_markdown(label)}: {_markdown(shorten(value, FACT_CHARACTERS))}" for label, value in message.facts[:FACTS]
    ]
    parts += ["\n".join(facts)] if facts else []
    text = shorten("\n\n".join(parts), 3 * POST_CHARACTERS)
    return {"text": text + (f"\n\n[{_markdown(message.open_words)}]({message.url})" if message.url else "")}


def _markdown(text: str) -> str:
    """Return words as Markdown that says just them; no line of theirs begins a quote, and no @ calls anybody."""
    return MARKS.sub(r"\\\1", text.replace("@", f"@{ZERO_WIDTH}"))


def write_teams(message: Message) -> dict[str, Any]:
    """Return the body for a Workflows webhook of Teams: one Adaptive Card, well below what it takes."""
    body: list[dict[str, Any]] = [_block(message.subject, FACT_CHARACTERS, size="Medium", weight="Bolder")]
    body += [_block(text, CARD_CHARACTERS) for text in (message.body, message.next) if text]
    facts = [
        {"title": _markdown(label), "value": _markdown(shorten(value, FACT_CHARACTERS))}
        for label, value in message.facts[:FACTS]
    ]
    if facts:
        body.append({"type": "FactSet", "facts": facts})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": message.open_words, "url": message.url}] if message.url else [],
    }
    # Whole parts go, from the end, rather than half of a sentence's escapes.
    while len(body) > 1 and len(json.dumps(card, ensure_ascii=False).encode()) > CARD_BYTES:
        body.pop()
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _block(text: str, limit: int, **more: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": _markdown(shorten(text, limit)), "wrap": True, **more}
