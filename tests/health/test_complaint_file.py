"""A spreadsheet's complaints: what is read, and which line is wrong."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.domain.complaint_file import MOST_FAULTS, MOST_LINES, Fault, Known, Line, Place, Reading, read_file

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LYON = Place("lyon", ZoneInfo("Europe/Paris"))
NINE_TWELVE = "24/11/2026 09:12"
KNOWN = Known(
    sites={"lyon": LYON, "lyon part-dieu": LYON, "reunion": Place("reunion", ZoneInfo("Indian/Reunion"))},
    flags={"buttons": "buttons", "price buttons": "buttons"},
    severities={"blocking": "blocking", "bloque la caisse": "blocking", "annoying": "annoying"},
    usual_severity="annoying",
)


def _read(text: str) -> Reading:
    return read_file(text, known=KNOWN, now=NOW)


def _line(number: int, text: str, **given: object) -> Line:
    told: dict[str, object] = {"severity": "annoying", "flag_key": "", "reporter": "", "logged_at": None}
    return Line(number=number, site_key="lyon", text=text, **told | given)  # type: ignore[arg-type]  # each of its own type


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_read__as_spreadsheets_write__gives_the_lines(mark: str, separator: str, end: str) -> None:
    rows = [
        ["site", "text", "severity", "flag", "reporter", "logged_at"],
        ["lyon", "Slow", "", "", "", ""],
        [
            "Lyon Part-Dieu",
            '"Says ""no""; then, nothing"',
            "Bloque la caisse",
            "Price buttons",
            "Ana",
            "24/11/2026 09:12",
        ],
    ]

    reading = _read(mark + end.join(separator.join(row) for row in rows) + end)

    moment = datetime(2026, 11, 24, 8, 12, tzinfo=UTC)
    second = _line(
        3, 'Says "no"; then, nothing', severity="blocking", flag_key="buttons", reporter="Ana", logged_at=moment
    )
    assert reading == Reading([_line(2, "Slow"), second], [])


def test_read__texts_over_lines_and_empty_rows__are_named_by_the_line_they_begin_on() -> None:
    reading = _read('text,site\n\n"One\ntwo",lyon\n,,\n  \nThree,nowhere\n')

    assert reading.lines == [_line(3, "One\ntwo")]
    assert reading.faults == [Fault(7, "site_unknown", "nowhere")]


def test_read__a_text_that_is_a_formula__stays_that_text() -> None:
    reading = _read('site,text\nlyon,"=HYPERLINK(""http://x"")"\nlyon,+33\nlyon,@SUM(A1)\n')

    assert [line.text for line in reading.lines] == ['=HYPERLINK("http://x")', "+33", "@SUM(A1)"]


def test_read__the_same_line_twice__is_two_complaints() -> None:
    reading = _read("site,text\nlyon,Slow\nlyon,Slow\n")

    assert [line.nth for line in reading.lines] == [1, 2]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-24", datetime(2026, 11, 23, 23, tzinfo=UTC)),
        ("2026-11-24 09:12", datetime(2026, 11, 24, 8, 12, tzinfo=UTC)),
        ("2026-11-24T09:12:30Z", datetime(2026, 11, 24, 9, 12, 30, tzinfo=UTC)),
        ("2026-11-24T09:12+04:00", datetime(2026, 11, 24, 5, 12, tzinfo=UTC)),
        ("03/11/2026", datetime(2026, 11, 2, 23, tzinfo=UTC)),
        ("3/11/2026 9:12:30", datetime(2026, 11, 3, 8, 12, 30, tzinfo=UTC)),
    ],
)
def test_read__a_moment__is_by_the_sites_clock_where_it_says_no_other(written: str, moment: datetime) -> None:
    [line] = _read(f"site,text,logged_at\nlyon,Slow,{written}\n").lines

    assert line.logged_at == moment


def test_read__a_moment_in_another_ocean__is_by_the_clock_there() -> None:
    [line] = _read("site,text,logged_at\nreunion,Slow,2026-11-24 09:12\n").lines

    assert line.logged_at == datetime(2026, 11, 24, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("lyon,,,,,", Fault(2, "text_missing")),
        (f"lyon,{'x' * 4_001}", Fault(2, "text_too_long")),
        (f"lyon,Slow,,,{'x' * 101}", Fault(2, "reporter_too_long")),
        ("nowhere,Slow", Fault(2, "site_unknown", "nowhere")),
        ("lyon,Slow,awful", Fault(2, "severity_unknown", "awful")),
        ("lyon,Slow,,tickets", Fault(2, "flag_unknown", "tickets")),
        ("lyon,Slow,,,,yesterday", Fault(2, "moment_wrong", "yesterday")),
        ("lyon,Slow,,,,1999-12-31", Fault(2, "moment_wrong", "1999-12-31")),
        ("lyon,Slow,,,,0001-01-01", Fault(2, "moment_wrong", "0001-01-01")),
        ("lyon,Slow,,,,9999-12-31", Fault(2, "moment_wrong", "9999-12-31")),
        ("lyon,Slow,,,,2026-11-24 13:01", Fault(2, "moment_ahead", "2026-11-24 13:01")),
        ("lyon,Caf\ufffd", Fault(2, "unreadable")),
        ("lyon,Slow\x00", Fault(2, "unreadable")),
        ("lyon,Slow,,,,,more", Fault(2, "too_many_cells")),
        ('lyon,"Slow', Fault(2, "no_csv")),
    ],
)
def test_read__a_wrong_line__is_named(row: str, fault: Fault) -> None:
    assert _read(f"site,text,severity,flag,reporter,logged_at\n{row}\n").faults == [fault]


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("site,words", Fault(1, "column_unknown", "words")),
        ("site,text,site", Fault(1, "column_twice", "site")),
        ("site,flag", Fault(1, "column_missing", "text")),
    ],
)
def test_read__a_wrong_head__is_named(head: str, fault: Fault) -> None:
    assert _read(f"{head}\nlyon,Slow\n") == Reading([], [fault])


def test_read__too_much__is_bounded() -> None:
    reading = _read("site,text\n" + "lyon,Slow\n" * (MOST_LINES + 1))
    assert (len(reading.lines), reading.faults) == (MOST_LINES, [Fault(MOST_LINES + 2, "too_many_lines")])

    assert len(_read("site,text\n" + "nowhere,Slow\n" * (MOST_FAULTS + 9)).faults) == MOST_FAULTS


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "site,text\n"])
def test_read__nothing__is_nothing(text: str) -> None:
    assert _read(text) == Reading([], [])


@given(st.text(max_size=300))
def test_read__anything__is_read_or_named(text: str) -> None:
    reading = _read(f"site,text,logged_at\n{text}")

    assert all(line.text for line in reading.lines)
