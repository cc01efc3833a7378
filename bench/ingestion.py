"""How many samples one web process takes in, what each costs, and how that and reading grow with sites.

A whole portal runs: web, worker, beat, PostgreSQL, Valkey. A client in a process of its own sends batches of
500. CPU time is read from the processes themselves, the backends of PostgreSQL by whose they are; what a
client costs is not counted. The second part stores the same samples per site at 10, 100 and 1,000 sites.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg

from bench.meter import Meter, Spent
from bench.sender import PLACE, Orders, Sent
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
REST_SECONDS = 20.0
LATENCY = {"bounds": [10, 25, 50, 100, 150, 200, 300, 500, 1_000, 2_500], "counts": [0, 0, 1, 2, 3, 2, 1, 1, 0, 0, 0]}


@dataclass(frozen=True)
class Line:
    """One figure; `is_within`: it keeps its bound."""

    text: str
    is_within: bool = True

    def __str__(self) -> str:
        return self.text if self.is_within else f"{self.text}  OVER"


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
        rest, accepted = _measure_rest(portal), 0
        yield Line(f"at rest {rest.total / rest.seconds:.2f} CPU s each second")
        for name, latency in (("without latency", None), ("each with a histogram", LATENCY)):
            found = _measure_intake(portal, world, name=name, latency=latency, rest=rest, seconds=seconds)
            accepted += found.sent.accepted
            yield found.say(accepted)
        tell.write("\n")
        tell.close()
        yield from (Line(line.rstrip("\n")) for line in told_by)
    if process.returncode:
        raise SystemExit("reading could not be measured: see above")


@dataclass(frozen=True)
class Intake:
    """What one load cost, beside what the same portal spends at rest, and how many samples the sums know of."""

    name: str
    sent: Sent
    spent: Spent
    rest: Spent
    summed: int

    @property
    def cost(self) -> float:
        """CPU seconds that 100,000 samples cost at the rate of the bound, with the portal's rest of that time."""
        rest_each_second = self.rest.total / self.rest.seconds
        own = (self.spent.total - rest_each_second * self.spent.seconds) / self.sent.accepted
        return 100_000 * (own + rest_each_second / LEAST_RATE)

    def say(self, accepted: int) -> Line:
        """Return the line; kept are its cost, and that the sums hold all that was accepted so far."""
        share, room = 100_000 / self.sent.accepted, CORES * 100_000 / LEAST_RATE
        text = (
            f"{self.name:<22} {self.sent.accepted / self.sent.seconds:8,.0f} samples/s for {self.sent.seconds:.0f} s,"
            f" {self.sent.refused} batches asked to come again\n"
            f"    CPU s per 100,000: {self.cost:.2f} of the {room:.0f} that {CORES} cores have at {LEAST_RATE:,}/s\n"
            f"    as spent: web {self.spent.web * share:.2f}, PostgreSQL {self.spent.postgres * share:.2f}"
            f" (for web {self.spent.for_web * share:.2f}, for the worker {self.spent.for_worker * share:.2f}),"
            f" worker {self.spent.worker * share:.2f}\n"
            f"    accepted so far {accepted:,}, in the sums {self.summed:,}"
        )
        return Line(text, is_within=self.cost <= room and accepted == self.summed)


def _measure_intake(
    portal: Portal, world: dict[str, Any], *, name: str, latency: object, rest: Spent, seconds: float
) -> Intake:
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
    return Intake(name, sent, meter.spent, rest, summed)


def _measure_rest(portal: Portal) -> Spent:
    """Return what the portal spends while nobody sends anything."""
    with Meter(portal, portal.read()["database_url"]) as meter:
        time.sleep(REST_SECONDS)
    return meter.spent


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
