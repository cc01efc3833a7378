"""What deciding costs in this process, without HTTP: CPU microseconds a flag and a rule."""

import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass

from bench.world import make_context, make_plain, make_ruled, make_targeted
from flags.domain.evaluation import compile_flag

RULES = 100
CALLS = 2_000
REPEATS = 50


@dataclass(frozen=True)
class Cost:
    name: str
    microseconds: float

    def __str__(self) -> str:
        return f"{self.name:<44} {self.microseconds:8.3f} µs"


def measure() -> list[Cost]:
    """Return the least CPU time of many repeats, without that of the empty call."""
    context = make_context(1)
    plain, one, many, targeted = (
        compile_flag(flag)
        for flag in (make_plain("a"), make_ruled("a", rules=1), make_ruled("a", rules=RULES), make_targeted("a"))
    )
    nothing = _time(lambda: None)
    rules = (_time(lambda: many(context)) - _time(lambda: one(context))) / (RULES - 1)
    return [
        Cost("a plain flag", _time(lambda: plain(context)) - nothing),
        Cost("each further rule (a site's)", rules),
        Cost("a flag with three conditions + 25 %", _time(lambda: targeted(context)) - nothing),
    ]


def _time(function: Callable[[], object]) -> float:
    calls = timeit.repeat(function, number=CALLS, repeat=REPEATS, timer=time.process_time)
    return min(calls) / CALLS * 1e6
