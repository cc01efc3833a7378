"""How many samples one web process takes in, what each costs, and how that and reading grow with sites.

A whole portal runs: web, worker, beat, PostgreSQL, Valkey. A client in a process of its own sends batches of
500. CPU time is read from the processes themselves, the backends of PostgreSQL by whose they are; what a
client costs is not counted. The second part stores the same samples per site at 10, 100 and 1,000 sites.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psutil
import psycopg

from bench.sender import PLACE, Orders
from releaseportal.addresses import BASE_DIR
from tests.machineroom.portal import Portal, make_environment

BATCH = 500
CONNECTIONS = 4
#: Of the bound: so many samples a second on two cores.
LEAST_RATE, CORES = 20_000, 2
SITES = 100
TILLS = 3
#: Different bodies, sent in turn.
BODIES = 32
LOOK_SECONDS = 1.0
LATENCY = {"bounds": [10, 25, 50, 100, 150, 200, 300, 500, 1_000, 2_500], "counts": [0, 0, 1, 2, 3, 2, 1, 1, 0, 0, 0]}


@dataclass(frozen=True)
class Line:
    """One figure; `is_within`: it keeps its bound."""

    text: str
    is_within: bool = True

    def __str__(self) -> str:
        return self.text if self.is_within else f"{self.text}  OVER"


class Meter:
    """CPU seconds of a portal's parts, looked at each second from a thread of its own: backends come and go."""

    def __init__(self, portal: Portal, database_url: str) -> None:
        told = portal.read()
        self._web, self._worker = (psutil.Process(told["pids"][name]) for name in ("web", "worker"))
        self._postgres = _find_postmaster(psutil.Process(told["servers"]["postgres"]))
        self._url = database_url
        self._backends: dict[tuple[int, str], tuple[float, float]] = {}
        self._stop = threading.Event()

    def __enter__(self) -> "Meter":
        self._began = {"web": _cpu(self._web, family=True), "worker": _cpu(self._worker, family=True)}
        self._postgres_began = _cpu(self._postgres, family=True)
        self._thread = threading.Thread(target=self._keep_looking)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.web = _cpu(self._web, family=True) - self._began["web"]
        self.worker = _cpu(self._worker, family=True) - self._began["worker"]
        self.postgres = _cpu(self._postgres, family=True) - self._postgres_began

    def backends_of(self, whose: str) -> float:
        """Return the CPU seconds of the backends that served web or worker, as far as they were seen."""
        return sum(last - first for (_, owner), (first, last) in self._backends.items() if owner == whose)

    def _keep_looking(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while True:
                self._look(connection)
                if self._stop.wait(LOOK_SECONDS):
                    self._look(connection)
                    return

    def _look(self, connection: "psycopg.Connection[Any]") -> None:
        ports = dict.fromkeys(_list_ports(self._web), "web") | dict.fromkeys(_list_ports(self._worker), "worker")
        rows = connection.execute("SELECT pid, client_port FROM pg_stat_activity WHERE client_port > 0").fetchall()
        for pid, port in rows:
            try:
                spent = _cpu(psutil.Process(pid), family=False)
            except psutil.NoSuchProcess:
                continue
            if port in ports:
                # One that is new has served nobody else.
                is_old = not self._backends or (pid, ports[port]) in self._backends
                first = self._backends.get((pid, ports[port]), (spent if is_old else 0.0, 0.0))[0]
                self._backends[pid, ports[port]] = (first, spent)


def _find_postmaster(process: psutil.Process) -> psutil.Process:
    while process.name() != "postgres":
        [process] = process.children()
    return process


def _list_ports(process: psutil.Process) -> set[int]:
    found = set()
    for one in [process, *process.children(recursive=True)]:
        found |= {address.laddr.port for address in one.net_connections("tcp")}
    return found


def _cpu(process: psutil.Process, *, family: bool) -> float:
    """Return CPU seconds so far; with the family's, those of its living and of its dead."""
    times = process.cpu_times()
    own = float(times.user + times.system)
    if not family:
        return own
    living = sum(_cpu(child, family=True) for child in process.children())
    return own + float(times.children_user + times.children_system) + living


def measure(portal: Portal, *, seconds: float) -> Iterator[Line]:
    """Yield what was measured on a running portal."""
    told = portal.read()
    environment = make_environment(portal.data_dir) | {
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
        "DATABASE_URL": told["database_url"],
        "REDIS_URL": told["redis_url"],
        "SECRET_KEY": "the bench signs nothing that lasts",
    }
    command = [sys.executable, "-m", "bench.ingester", str(SITES)]
    with subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        told_by, tell = process.stdout, process.stdin
        if told_by is None or tell is None:
            raise SystemExit("the process with the bench's world has no pipes")
        world = json.loads(told_by.readline())
        accepted = 0
        for name, latency in (("without latency", None), ("each with a histogram", LATENCY)):
            found = _measure_intake(portal, world, name=name, latency=latency, seconds=seconds)
            accepted += found.accepted
            yield found.say(accepted)
        tell.write("\n")
        tell.close()
        yield from (Line(line.rstrip("\n")) for line in told_by)
    if process.returncode:
        raise SystemExit("reading could not be measured: see above")


@dataclass(frozen=True)
class Intake:
    """What one load cost: CPU seconds of each part, and how many samples the sums know of in the end."""

    name: str
    accepted: int
    refused: int
    seconds: float
    summed: int
    web: float
    worker: float
    postgres: float
    for_web: float
    for_worker: float

    def say(self, accepted: int) -> Line:
        """Return the line; kept are its cost, and that the sums hold all that was accepted so far."""
        share = 100_000 / self.accepted
        cost, room = (self.web + self.worker + self.postgres) * share, CORES * 100_000 / LEAST_RATE
        text = (
            f"{self.name:<22} {self.accepted / self.seconds:8,.0f} samples/s for {self.seconds:.0f} s,"
            f" {self.refused} batches asked to come again\n"
            f"    CPU s per 100,000: {cost:.2f} of the {room:.0f} that {CORES} cores have at {LEAST_RATE:,}/s:"
            f" web {self.web * share:.2f}, PostgreSQL {self.postgres * share:.2f}"
            f" (for web {self.for_web * share:.2f}, for the worker {self.for_worker * share:.2f}),"
            f" worker {self.worker * share:.2f}\n"
            f"    accepted so far {accepted:,}, in the sums {self.summed:,}"
        )
        return Line(text, is_within=cost <= room and accepted == self.summed)


def _measure_intake(portal: Portal, world: dict[str, Any], *, name: str, latency: object, seconds: float) -> Intake:
    orders = Orders(
        port=portal.port,
        token=world["token"],
        bodies=[_write_body(world, number, latency=latency) for number in range(BODIES)],
        connections=CONNECTIONS,
        seconds=seconds,
    )
    url = portal.read()["database_url"]
    with psycopg.connect(url, autocommit=True) as db:
        with Meter(portal, url) as meter:
            sent = orders.carry_out()
            portal.wait(lambda: _ask(db, "SELECT count(*) FROM health_samplebatch") == 0)
        summed = _ask(
            db, "SELECT sum(requests) / 10 FROM health_siteminute WHERE environment_id = %s", world["environment_id"]
        )
    return Intake(
        name=name,
        accepted=sent.accepted,
        refused=sent.refused,
        seconds=sent.seconds,
        summed=summed,
        web=meter.web,
        worker=meter.worker,
        postgres=meter.postgres,
        for_web=meter.backends_of("web"),
        for_worker=meter.backends_of("worker"),
    )


def _ask(db: "psycopg.Connection[Any]", statement: LiteralString, *values: object) -> int:
    [[number]] = db.execute(statement, values).fetchall()
    return int(number)


def _write_body(world: dict[str, Any], number: int, *, latency: object) -> str:
    """Return one body of tills in turn: each reports all of its requests, and those with each flag."""
    kinds = [None, *world["flags"]]
    start = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    samples = []
    for place in range(number * BATCH, (number + 1) * BATCH):
        till, flag = (place // len(kinds)) % (SITES * TILLS), kinds[place % len(kinds)]
        sample = {
            "id": f"till-{till}-{place}-{PLACE}",
            "site": world["sites"][till // TILLS],
            "till": f"till-{till}",
            "flag": flag,
            "release": "1.3.0",
            "start": start,
            "seconds": 10,
            "transaction": "validate-sale",
            "requests": 10,
            "errors": int(place % 50 == 0),
        }
        samples.append(sample if latency is None else sample | {"latency_ms": latency})
    return json.dumps({"samples": samples})
