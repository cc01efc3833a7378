"""Whether a mail server says that a box is gone: nothing will ever arrive there, whatever is sent.

Only the enhanced codes say so (RFC 3463). A refusal without one, or with another, may be about the mail, its sender or
a quota: that mail is given up, the address is kept.
"""

import re

#: No such box, no such domain, moved away, no mail taken there, switched off.
GONE = frozenset({"5.1.1", "5.1.2", "5.1.6", "5.1.10", "5.2.1"})
_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")


def is_box_gone(words: str) -> bool:
    """Tell it from an answer's words, which begin with the enhanced code, or from a report's status."""
    found = _ENHANCED.match(words)
    return found is not None and found[1] in GONE


def hide_addresses(words: str) -> str:
    """Return what a server said without the addresses in it, for everybody's eyes and for good."""
    return _ADDRESS.sub("…", words)
