"""What OFREP costs beside a constant answer of the same server in the same run.

Each round measures the constant answer and every case once; the least of the rounds counts, since
whatever else the machine does can only add. Authentication and the counting of reach are on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.app import CONSTANT_PATH
from bench.caller import EVERY_FLAG, Caller
from bench.load import Load, write_request
from bench.server import Server
from bench.world import make_context

CONNECTIONS = 32
#: Different bodies, sent in turn: a fleet's tills, each with a person of its own.
PEOPLE = 200
ENVIRONMENTS = {"dev": 8, "staging": 50, "prod": 100}
#: CPU seconds for 10,000 answers on the reference machine, where the constant takes `CONSTANT`.
CONSTANT = 0.42
ALLOWED = 2.0


@dataclass
class Case:
    """Requests of one kind, what a bare prototype took for 10,000 of them, and what was measured."""

    name: str
    requests: Sequence[str]
    count: int
    prototype: float
    status: int = 200
    cpu: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def cpu_per_ten_thousand(self) -> float:
        return min(self.cpu)

    @property
    def bound(self) -> float:
        """The multiple of the constant answer's CPU time that this may cost."""
        return ALLOWED * self.prototype / CONSTANT

    def play(self, server: Server) -> None:
        """Measure once."""
        before = server.cpu_seconds()
        seconds = Load(server.port, self.requests, self.count, CONNECTIONS, self.status).apply()
        self.cpu.append((server.cpu_seconds() - before) * 10_000 / self.count)
        self.rates.append(self.count / seconds)


@dataclass(frozen=True)
class Table:
    """All that was measured, beside the constant answer."""

    constant: Case
    cases: Sequence[Case]

    def is_within(self, case: Case) -> bool:
        """Tell whether a case keeps its bound."""
        return self._ratio(case) <= case.bound

    def __str__(self) -> str:
        head = f"{'':<40} {'requests/s':>10} {'of constant':>12} {'CPU s/10,000':>13} {'× constant':>11} {'bound':>7}"
        return "\n".join([head, *(self._show(case) for case in (self.constant, *self.cases))])

    def _ratio(self, case: Case) -> float:
        return case.cpu_per_ten_thousand / self.constant.cpu_per_ten_thousand

    def _show(self, case: Case) -> str:
        rate = max(case.rates)
        line = (
            f"{case.name:<40} {rate:10.0f} {rate / max(self.constant.rates):11.2f}× {case.cpu_per_ten_thousand:13.2f}"
        )
        if case is self.constant:
            return line
        return f"{line} {self._ratio(case):10.2f}× {case.bound:6.2f}×{'' if self.is_within(case) else '  OVER'}"


def measure(server: Server, *, tokens: Mapping[str, str], requests: int, rounds: int) -> Table:
    """Measure with the environments' server tokens."""
    constant = Case("constant answer", [write_request("GET", CONSTANT_PATH, headers={})], requests, CONSTANT)
    cases = _list_cases(server, tokens, requests)
    for _ in range(rounds):
        for case in (constant, *cases):
            case.play(server)
    return Table(constant, cases)


def _list_cases(server: Server, tokens: Mapping[str, str], count: int) -> list[Case]:
    fewer = max(count // 4, 1)
    return [
        Case("one plain flag", _ask(tokens["dev"], "/flag-000"), count, 0.46),
        Case("one flag, three conditions + 25 %", _ask(tokens["dev"], "/flag-002"), count, 0.61),
        Case("all of 8 flags", _ask(tokens["dev"]), fewer, 0.61),
        Case("all of 50 flags", _ask(tokens["staging"]), fewer, 0.95),
        Case("all of 100 flags", _ask(tokens["prod"]), fewer, 1.2),
        Case("all of 100 flags, unchanged (304)", _ask_again(server, tokens["prod"]), count, 0.34, 304),
    ]


def _ask(token: str, path: str = "") -> list[str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    bodies = [json.dumps({"context": make_context(number)}) for number in range(PEOPLE)]
    return [write_request("POST", EVERY_FLAG + path, headers=headers, body=body) for body in bodies]


def _ask_again(server: Server, token: str) -> list[str]:
    caller, found = Caller(server.url, token), []
    for number in range(PEOPLE):
        body = {"context": make_context(number)}
        status, _content, etag = caller.call("POST", EVERY_FLAG, body)
        if status != 200:
            raise SystemExit(f"all flags were answered {status}")
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "If-None-Match": etag}
        found.append(write_request("POST", EVERY_FLAG, headers=headers, body=json.dumps(body)))
    return found
