"""Telephone numbers as people write them."""

import re

#: Not dialled after a country's number.
TRUNK = re.compile(r"(?<=\d)\s*\(0\)")


def dial(phone: str) -> str:
    """Return what a telephone dials, digits after a + if there is one: of several numbers the first.

    "+33 (0)4 72 00 00 00 / 06 00 00 00 00" is +33472000000.
    """
    first = phone.partition("/")[0].strip()
    if first.startswith("+"):
        first = TRUNK.sub("", first)
    digits = "".join(sign for sign in first if sign.isascii() and sign.isdigit())
    return f"+{digits}" if first.startswith("+") and digits else digits
