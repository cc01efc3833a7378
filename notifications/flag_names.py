"""What people call the flags that an event names by key: asked for when it is written, since names change.

Flags stand above this app; they offer here how their names are read.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

#: Where an event's data hold keys of flags, one or several.
FIELDS = frozenset({"flag", "flags", "passing", "open"})
#: Under which name an event keeps the names, by key.
NAMES = "flag_names"

Reader = Callable[[Collection[str]], Mapping[str, str]]

_READERS: list[Reader] = []


def offer_names(reader: Reader) -> None:
    """Let names be read so: given keys, the name of each that there is."""
    _READERS.append(reader)


def add_names(data: Mapping[str, object]) -> dict[str, object]:
    """Return an event's data with the names of the flags in them: one query where they hold any."""
    keys = sorted({key for field in FIELDS for key in _list_keys(data.get(field))})
    names = {key: name for reader in _READERS for key, name in reader(keys).items()} if keys else {}
    return {**data, NAMES: names} if names else dict(data)


def name_flags(field: str, value: Any, names: Mapping[str, str], *, with_keys: bool = False) -> Any:
    """Return a value of an event's data with names for keys where its field holds flags; a key is added in brackets."""
    if field not in FIELDS:
        return value
    shown = [_say(key, names, with_keys=with_keys) for key in _list_keys(value)]
    return shown if isinstance(value, list) else "".join(shown)


def _list_keys(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _say(key: str, names: Mapping[str, str], *, with_keys: bool) -> str:
    name = names.get(key, key)
    return f"{name} ({key})" if with_keys and name != key else name
