"""The list of users of the tills as a file: an address a line, or CSV with language and sites."""

import csv
import io
from collections.abc import Collection

from core.errors import InvalidInput
from notifications.contact_models import ContactKind
from notifications.contact_transitions import Row, check_address

MOST_ROWS = 20_000
COLUMNS = ("email", "language", "sites")
LANGUAGES = frozenset({"fr", "en"})


def read_users(text: str, *, sites: Collection[str]) -> list[Row]:
    """Return the rows of a list; refuse the whole of it at its first wrong line, with the line's number.

    A first line `email,language,sites` names the columns; without, each line is an address. Sites are keys with
    spaces between them; none: all.
    """
    lines = text.lstrip("\ufeff").splitlines()
    if lines and "email" in lines[0].casefold().replace(";", ",").split(","):
        return _read_table(lines, sites=sites)
    rows = [_row(number, {"email": line}, sites=sites) for number, line in enumerate(lines, start=1) if line.strip()]
    return _check_number(rows)


def _read_table(lines: list[str], *, sites: Collection[str]) -> list[Row]:
    delimiter = ";" if ";" in lines[0] else ","
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    reader.fieldnames = [str(name).strip().casefold() for name in reader.fieldnames or []]
    unknown = [name for name in reader.fieldnames if name not in COLUMNS]
    if unknown:
        raise InvalidInput("users_column_unknown", column=unknown[0][:50])
    return _check_number([_row(number, dict(row), sites=sites) for number, row in enumerate(reader, start=2)])


def _row(number: int, given: dict[str, str | None], *, sites: Collection[str]) -> Row:
    try:
        address = check_address(ContactKind.EMAIL, given.get("email") or "")
    except InvalidInput:
        raise InvalidInput("users_address_wrong", line=number) from None
    language = (given.get("language") or "fr").strip().casefold()
    keys = (given.get("sites") or "").split()
    if language not in LANGUAGES:
        raise InvalidInput("users_language_wrong", line=number)
    unknown = [key for key in keys if key not in sites]
    if unknown:
        raise InvalidInput("users_site_unknown", line=number, site=unknown[0][:100])
    return Row(email=address, language=language, sites=keys)


def _check_number(rows: list[Row]) -> list[Row]:
    if not rows:
        raise InvalidInput("users_none")
    if len(rows) > MOST_ROWS:
        raise InvalidInput("users_too_many", most=MOST_ROWS)
    return rows
