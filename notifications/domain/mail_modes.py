"""Which messages come by mail at once, once a day or not at all; the inbox has every one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from notifications.domain.urgency import URGENT_KINDS


class MailMode(StrEnum):
    AT_ONCE = "at_once"
    DIGEST = "digest"
    NEVER = "never"


#: The digest itself: its own switch decides.
DIGEST_KIND = "daily_digest"
#: The head of the history chain, once a day to those who keep it.
HISTORY_HEAD_KIND = "history_head"
#: Mailed at once whatever a person chose: what is urgent, and the history's head, of which the mail is the proof.
URGENT = URGENT_KINDS | {HISTORY_HEAD_KIND}
#: What the digest lists itself, with its date, each day until it is done: to who reads it, a mail more says nothing.
IN_EVERY_DIGEST = frozenset({"measure_due", "post_mortem_due", "flag_removable"})


@dataclass(frozen=True)
class MailChoice:
    """What a person chose: whether they read the digest, and how each group of kinds comes; at once where unsaid."""

    has_digest: bool = True
    modes: Mapping[str, MailMode] = field(default_factory=dict)


def choose_mode(kind: str, *, group: str, choice: MailChoice) -> MailMode:
    """Return how a message comes to a person by mail.

    Without a digest nothing waits for one: what was to stand in it comes at once.
    """
    if kind in URGENT or kind == DIGEST_KIND:
        return MailMode.AT_ONCE
    if kind in IN_EVERY_DIGEST and choice.has_digest:
        return MailMode.NEVER
    mode = choice.modes.get(group, MailMode.AT_ONCE)
    return MailMode.AT_ONCE if mode is MailMode.DIGEST and not choice.has_digest else mode
