"""Cells that a spreadsheet shows and does not run."""

import re

#: A spreadsheet takes a cell that begins so for a formula (OWASP, CSV injection).
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Where a reader set to another separator, or one that splits lines, would begin a cell of its own.
_INNER_START = re.compile(r"(?<=[;,\t\r\n])(?= *[=+\-@＝＋－＠])")


def neutralise(cell: object) -> str:
    """Return a cell's text, with an apostrophe before whatever a spreadsheet would run.

    That is a cell's beginning, and what follows a mark at which a reader set to another separator
    (`;` in French, a tab to some) would begin a cell of its own.
    """
    text = _INNER_START.sub("'", str(cell))
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA_STARTS) else text
