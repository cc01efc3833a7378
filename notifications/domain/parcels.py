"""What one conversation with a channel carries: one message, or many of a flood in one."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifications.domain.topics import topic_of

#: So many that wait together are a flood: one message tells them all.
FLOOD = 6
MOST_IN_ONE = 30


@dataclass(frozen=True)
class Waiting:
    """A delivery that waits at a channel. `thread`: what it is about, empty for nothing in particular."""

    pk: int
    kind: str
    thread: str
    is_urgent: bool = False


@dataclass(frozen=True)
class Parcel:
    """What is sent now, oldest first, and what is no longer true: by its key, what replaced it."""

    sent: tuple[int, ...]
    replaced: dict[int, int]


def pack(waiting: Sequence[Waiting], *, gathers: bool) -> Parcel:
    """Return what goes out next of what waits at one channel, given oldest first.

    Urgent messages first, but never before an older one about the same thing. Where a channel `gathers`, what
    is outdated is left out, and a flood goes out as one; a program gets each message by itself.
    """
    replaced = _find_outdated(waiting) if gathers else {}
    left = [one for one in waiting if one.pk not in replaced]
    if gathers and len(left) >= FLOOD:
        return Parcel(tuple(one.pk for one in left[:MOST_IN_ONE]), replaced)
    if not left:
        return Parcel((), replaced)
    first = next((one for one in left if one.is_urgent), left[0])
    head = next(one for one in left if one is first or (first.thread and one.thread == first.thread))
    return Parcel((head.pk,), replaced)


def _find_outdated(waiting: Sequence[Waiting]) -> dict[int, int]:
    newest: dict[tuple[str, str], int] = {}
    replaced = {}
    for one in reversed(waiting):
        topic = topic_of(one.kind)
        if not topic or not one.thread:
            continue
        newer = newest.setdefault((one.thread, topic), one.pk)
        if newer != one.pk:
            replaced[one.pk] = newer
    return replaced
