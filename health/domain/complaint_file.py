"""Complaints from a spreadsheet: a CSV file read line by line, each fault with its line and what is wrong."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS

COLUMNS = ("site", "text", "severity", "flag", "reporter", "logged_at")
NEEDED = ("site", "text")
MOST_BYTES = 1_000_000
MOST_LINES = 2_000
#: Of more faults the first are told: who mends them sees the others.
MOST_FAULTS = 50
#: A spreadsheet in French writes semicolons; one that is copied into a page, tabs.
SEPARATORS = ";,\t"
FIRST_YEAR = 2000
_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")


@dataclass(frozen=True)
class Place:
    """A site: its key and the time zone in which its moments are written."""

    key: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Known:
    """What a file may name, each by its key and its name in lower case."""

    sites: Mapping[str, Place]
    flags: Mapping[str, str]
    severities: Mapping[str, str]
    usual_severity: str


@dataclass(frozen=True)
class Line:
    """One complaint; `logged_at` is None where the file does not say when. `nth`: which of lines that are the same."""

    number: int
    site_key: str
    text: str
    severity: str
    flag_key: str
    reporter: str
    logged_at: datetime | None
    nth: int = 1


@dataclass(frozen=True)
class Fault:
    """What is wrong in a line, by a code; `value` is what stands there."""

    number: int
    code: str
    value: str = ""


@dataclass
class Reading:
    lines: list[Line] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class _WrongLine(Exception):
    def __init__(self, code: str, value: str = "", *, number: int = 0) -> None:
        super().__init__(code)
        self.code, self.value, self.number = code, value, number


def read_file(text: str, *, known: Known, now: datetime) -> Reading:
    """Return a file's complaints and its faults; with any fault, nobody should write a line of it."""
    reading = Reading()
    rows = _read_rows(text.removeprefix("\ufeff"))
    seen: Counter[Line] = Counter()
    try:
        head = next(rows, None)
        if head is None:
            return reading
        columns = _read_head(*head)
        for number, cells in rows:
            if len(reading.lines) >= MOST_LINES:
                reading.faults.append(Fault(number, "too_many_lines"))
            if len(reading.lines) >= MOST_LINES or len(reading.faults) >= MOST_FAULTS:
                return reading
            _read_line(reading, seen, number, columns, cells, known=known, now=now)
    except _WrongLine as wrong:
        reading.faults.append(Fault(wrong.number, wrong.code, wrong.value))
    return reading


def _read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that says something, with the line it begins on."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, [cell.strip() for cell in cells]
            begins = reader.line_num + 1
    except csv.Error:
        raise _WrongLine("no_csv", number=begins) from None


def _read_head(number: int, cells: Sequence[str]) -> list[str]:
    columns = [cell.casefold() for cell in cells]
    for column in columns:
        if column not in COLUMNS:
            raise _WrongLine("column_unknown", column, number=number)
        if columns.count(column) > 1:
            raise _WrongLine("column_twice", column, number=number)
    for column in NEEDED:
        if column not in columns:
            raise _WrongLine("column_missing", column, number=number)
    return columns


def _read_line(
    reading: Reading,
    seen: "Counter[Line]",
    number: int,
    columns: Sequence[str],
    cells: Sequence[str],
    *,
    known: Known,
    now: datetime,
) -> None:
    if len(cells) > len(columns):
        reading.faults.append(Fault(number, "too_many_cells"))
        return
    said = dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
    try:
        line = _compose(said, known=known, now=now)
    except _WrongLine as wrong:
        reading.faults.append(Fault(number, wrong.code, wrong.value))
        return
    seen[line] += 1
    told = {name: getattr(line, name) for name in Line.__dataclass_fields__}
    reading.lines.append(Line(**told | {"number": number, "nth": seen[line]}))


def _compose(said: Mapping[str, str], *, known: Known, now: datetime) -> Line:
    for value in said.values():
        # The second stands where a file was not read as what it was written in.
        if "\x00" in value or "\ufffd" in value:
            raise _WrongLine("unreadable")
    if not said["text"]:
        raise _WrongLine("text_missing")
    if len(said["text"]) > MAX_TEXT_CHARACTERS:
        raise _WrongLine("text_too_long")
    if len(said["reporter"]) > MAX_REPORTER_CHARACTERS:
        raise _WrongLine("reporter_too_long")
    place = known.sites.get(said["site"].casefold())
    if place is None:
        raise _WrongLine("site_unknown", said["site"])
    flag_key = known.flags.get(said["flag"].casefold(), "") if said["flag"] else ""
    if said["flag"] and not flag_key:
        raise _WrongLine("flag_unknown", said["flag"])
    severity = known.severities.get(said["severity"].casefold()) if said["severity"] else known.usual_severity
    if severity is None:
        raise _WrongLine("severity_unknown", said["severity"])
    logged_at = _read_moment(said["logged_at"], place.zone, now=now) if said["logged_at"] else None
    return Line(0, place.key, said["text"], severity, flag_key, said["reporter"], logged_at)


def _read_moment(text: str, zone: ZoneInfo, *, now: datetime) -> datetime:
    """Return a moment as ISO 8601 or a French spreadsheet writes it, by the site's clock where it names no offset."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        parsed = next((found for found in (_parse(text, form) for form in _FORMATS) if found), None)
        if parsed is None:
            raise _WrongLine("moment_wrong", text) from None
        moment = parsed
    if not FIRST_YEAR <= moment.year < 9999:
        raise _WrongLine("moment_wrong", text)
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    if moment > now:
        raise _WrongLine("moment_ahead", text)
    return moment


def _parse(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  # the site's zone is given to it after this
    except ValueError:
        return None
