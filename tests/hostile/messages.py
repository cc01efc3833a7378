"""Data of a message with words of people's in the place of every word."""

from tests.hostile.attacks import Texts

#: What the portal itself writes of a digest, never words of people's: which section, source, page, day and clock.
CODES = {"at", "code", "source", "url", "zone"}


def replace_words(name: str, value: object, texts: Texts) -> object:
    """Return data of an event with words of people's in the place of every word."""
    if isinstance(value, list):
        return [replace_words(name, one, texts) for one in value]
    if isinstance(value, dict):
        return {key: replace_words(key, one, texts) for key, one in value.items()}
    if name in CODES:
        return value
    return texts.say(name, room=None if name == "reason" else 300) if isinstance(value, str) else value
