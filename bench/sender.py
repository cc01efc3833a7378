"""A client of telemetry in a process of its own: so many connections, each sending as soon as it is answered.

Reads one JSON object (`Orders`) from standard input and writes what was answered (`Sent`). Bodies are
made before the clock starts; all that is new in each is the number in its samples' ids.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from itertools import count

from releaseportal.addresses import BASE_DIR

PATH = "/telemetry/v1/samples"
#: Stands in the bodies for the number of the sending.
PLACE = "@@@@@@@@@@@@"


@dataclass(frozen=True)
class Orders:
    """What is sent, over how many connections, for how long."""

    port: int
    token: str
    bodies: Sequence[str]
    connections: int
    seconds: float

    def carry_out(self) -> "Sent":
        """Send from a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.sender"],
            cwd=BASE_DIR,
            input=json.dumps(asdict(self)),
            stdout=subprocess.PIPE,
            text=True,
            timeout=self.seconds + 120,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit("the client gave up: see above")
        return Sent(**json.loads(done.stdout))


@dataclass(frozen=True)
class Sent:
    """Samples accepted, requests asked to come again, and the seconds it took."""

    accepted: int
    refused: int
    seconds: float


def _send(orders: Orders, numbers: "count[int]", *, until: float) -> tuple[int, int]:
    connection = HTTPConnection("127.0.0.1", orders.port, timeout=60)
    headers = {"Authorization": f"Bearer {orders.token}", "Content-Type": "application/json"}
    bodies = [body.encode() for body in orders.bodies]
    accepted = refused = 0
    while time.perf_counter() < until:
        number = next(numbers)
        body = bodies[number % len(bodies)].replace(PLACE.encode(), b"%012d" % number)
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status == 202:
            accepted += int(json.loads(content)["accepted"])
        elif answer.status in {429, 503}:
            refused += 1
            time.sleep(0.05)
        else:
            raise SystemExit(f"answered {answer.status}: {content[:300]!r}")
    return accepted, refused


def main() -> None:
    orders = Orders(**json.loads(sys.stdin.read()))
    # Numbers of no earlier run: what was sent before would not count again.
    numbers = count(time.time_ns() // 10**6 % 10**12)
    began = time.perf_counter()
    with ThreadPoolExecutor(orders.connections) as pool:
        running = [pool.submit(_send, orders, numbers, until=began + orders.seconds) for _ in range(orders.connections)]
        sums = [one.result() for one in running]
    seconds = time.perf_counter() - began
    sent = Sent(sum(accepted for accepted, _ in sums), sum(refused for _, refused in sums), seconds)
    print(json.dumps(asdict(sent)))


if __name__ == "__main__":
    main()
