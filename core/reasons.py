"""Why the portal acted on its own: written to history in English, said in the reader's language.

History keeps sentences, so that it reads without the portal. Each sentence that a program writes
comes from the table below, and is found there again when it is shown. What a person typed is no
sentence of the table and is shown as typed.
"""

import re
from collections.abc import Mapping
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop

#: Code → English sentence, also its message id. Each app adds its own when it is ready.
REASONS: dict[str, str] = {
    "language_chosen": gettext_noop("Language chosen"),
    "password_changed": gettext_noop("Password changed by its owner"),
    "first_admin": gettext_noop("First admin, made from the shell"),
}
#: Values that are codes, by the name of their placeholder: `phase` → its words.
VALUES: dict[str, Mapping[str, str | Promise]] = {}

#: No program writes a longer line; a person's long text is not tried against every sentence.
LONGEST_CHARACTERS = 1_000
#: At most so much stands in a place: what is matched backwards and forwards stays small.
LONGEST_VALUE = 600

_PLACE = re.compile(r"%\((\w+)\)s")
#: Several reasons at once stand in one line.
BETWEEN = "; "


def write_reason(code: str, **values: object) -> str:
    """Return the English sentence that history keeps."""
    return REASONS[code] % values


def say_reason(text: str) -> str:
    """Return a reason in the language in force; what is no sentence of the table stays as it is."""
    if len(text) > LONGEST_CHARACTERS:
        return text
    whole = _say_sentence(text)
    if whole is not None:
        return whole
    parts = [_say_sentence(part) for part in text.split(BETWEEN)]
    return BETWEEN.join(part for part in parts if part is not None) if None not in parts else text


def _say_sentence(text: str) -> str | None:
    for sentence in REASONS.values():
        found = _pattern(sentence).fullmatch(text)
        if found is not None:
            values = {name: str(VALUES.get(name, {}).get(value, value)) for name, value in found.groupdict().items()}
            return gettext(sentence) % values
    return None


@cache
def _pattern(sentence: str) -> re.Pattern[str]:
    """Return the pattern of a sentence: each placeholder once, on one line."""
    return re.compile("".join(_piece(part, number) for number, part in enumerate(_PLACE.split(sentence))))


def _piece(part: str, number: int) -> str:
    return f"(?P<{part}>.{{1,{LONGEST_VALUE}}}?)" if number % 2 else re.escape(part.replace("%%", "%"))
