"""Which windows a pull asks for, and which of them are over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from health.domain.counters import LOOKBACK_MS, Window

#: A scrape takes up to ten seconds, and is stored after it.
SETTLE = timedelta(seconds=15)
#: No later scrape says that a window is whole: after this it is taken as it is.
LATEST_MS = 60_000
#: What was missed longer ago than this is not asked for any more: it says nothing of now, and costs the source.
BOUND = timedelta(hours=1)
#: At most so much at once.
STRETCH = timedelta(minutes=10)
LONGEST_WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Plan:
    """The windows to ask for, in order, at which moment, and whether more can be asked for at once after them.

    It is asked at the moment of the pull, not at a window's end: a later scrape is what shows that a window is whole.
    """

    windows: Sequence[Window]
    at: datetime
    more: bool

    @property
    def seconds(self) -> int:
        """Return how far back scrapes are needed: the one before the first window as well."""
        return (_ms(self.at) - self.windows[0].start_ms + LOOKBACK_MS) // 1_000 + 1


def plan_windows(*, pulled_until: datetime | None, interval_seconds: int, now: datetime) -> Plan:
    """Return the windows that ended since, on a grid that is the same for everybody at every time."""
    step = timedelta(seconds=min(interval_seconds, LONGEST_WINDOW_SECONDS))
    settled = (now - SETTLE).timestamp()
    horizon = datetime.fromtimestamp(settled - settled % step.total_seconds(), UTC)
    begin = horizon - step if pulled_until is None else _align(max(pulled_until, horizon - BOUND), step)
    end = min(horizon, begin + STRETCH)
    windows = []
    while begin + step <= end:
        windows.append(Window(_ms(begin), _ms(begin + step)))
        begin += step
    return Plan(windows, at=min(now, end + STRETCH), more=end < horizon)


def _align(moment: datetime, step: timedelta) -> datetime:
    """Return the next moment of the grid: where the interval was changed, a part is left out and none counted twice."""
    over = moment.timestamp() % step.total_seconds()
    return moment + timedelta(seconds=step.total_seconds() - over) if over else moment


def list_over(windows: Sequence[Window], *, newest_ms: int, now: datetime) -> list[Window]:
    """Return the windows that no scrape will be added to: a later one is there, or it is a minute ago."""
    return [
        window
        for window in windows
        if window.end_ms <= newest_ms or (window.start_ms <= newest_ms and window.end_ms <= _ms(now) - LATEST_MS)
    ]


def is_gap(windows: Sequence[Window], *, newest_ms: int, now: datetime) -> bool:
    """Tell whether nothing was scraped in a stretch so long ago that it will stay so: then it is passed over."""
    return newest_ms < windows[0].start_ms and windows[-1].end_ms <= _ms(now - STRETCH)


def has_data(*, newest_ms: int, now: datetime) -> bool:
    """Tell whether the newest scrape is of now: older, a source says nothing of now."""
    return newest_ms >= _ms(now) - LOOKBACK_MS


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)
