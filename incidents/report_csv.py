"""The compliance report as CSV: a line for each month, tier and site; lengths of time in seconds."""

import csv
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from core.spreadsheets import neutralise
from incidents.domain.compliance import Line, Times

#: English and fixed, in whatever language the page is: programs read them.
HEAD = (
    "rehearsal",
    "month",
    "tier",
    "site",
    "incidents",
    "in_time",
    "late",
    "overdue",
    "running",
    "in_time_bp",
    *(f"acknowledge_{name}_seconds" for name in ("mean", "median", "p90")),
    "mitigate_mean_seconds",
    *(f"restore_{name}_seconds" for name in ("mean", "median", "p90")),
)


def write_csv(file: Any, cells: Iterable[tuple[bool, Line]]) -> None:
    """Write a header and the cells; what is not known is empty, never 0; no cell is a formula."""
    writer = csv.writer(file)
    writer.writerow(HEAD)
    for is_rehearsal, line in cells:
        tally = line.tally
        row = [
            int(is_rehearsal),
            "" if line.month is None else f"{line.month:%Y-%m}",
            line.tier,
            line.site,
            tally.number,
            tally.in_time,
            tally.late,
            tally.overdue,
            tally.running,
            tally.share_bp,
            *_lengths(tally.acknowledge),
            _seconds(tally.mitigate.mean),
            *_lengths(tally.restore),
        ]
        writer.writerow(["" if cell is None else neutralise(cell) for cell in row])


def _lengths(times: Times) -> list[int | None]:
    return [_seconds(times.mean), _seconds(times.median), _seconds(times.p90)]


def _seconds(value: timedelta | None) -> int | None:
    return None if value is None else int(value.total_seconds())
