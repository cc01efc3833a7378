"""What the log keeps out: secret addresses, and lines that somebody else wrote.

A pilot's link lets whoever holds it write in their name, a site's for the site, a feed's lets them read, and a
subscriber's ends what they are sent. And words of people's or programs' begin no line of their own and drive no
terminal.
"""

import logging
import re
from typing import Any

_LINK = re.compile(r"/(feedback|calendar|problem|subscription/(?:confirm|end))/(?!feeds/)[^\s?\"'/]+")
#: Controls, the other line ends, and what turns the direction of a line.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """Writes a record in one line, controls as escapes; a traceback follows, set in."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the library's name
        """Return the line."""
        return _escape(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802  # the library's name
        """Return a traceback whose lines look like no records: an exception may quote people's words."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {_escape(line)}" for line in lines)


def _escape(line: str) -> str:
    return _CONTROLS.sub(lambda found: ascii(found[0])[1:-1], line)


class HideLinks(logging.Filter):
    """Writes `/feedback/…` or its like for the address of a link, in the message with its arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without the tokens in it."""
        message = record.getMessage()
        hidden = _LINK.sub(r"/\1/…", message)
        if hidden != message:
            record.msg, record.args = hidden, None
        return True
