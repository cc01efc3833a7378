"""CPU time of a running portal's parts, PostgreSQL's backends by whose they are."""

import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from tests.machineroom.portal import Portal

LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Spent:
    """CPU seconds within so many seconds; `for_web`, `for_worker`: of PostgreSQL's, those of their backends."""

    seconds: float
    web: float
    worker: float
    postgres: float
    for_web: float
    for_worker: float

    @property
    def total(self) -> float:
        return self.web + self.worker + self.postgres


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
        self._clock = time.perf_counter()
        self._thread = threading.Thread(target=self._keep_looking)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.spent = Spent(
            seconds=time.perf_counter() - self._clock,
            web=_cpu(self._web, family=True) - self._began["web"],
            worker=_cpu(self._worker, family=True) - self._began["worker"],
            postgres=_cpu(self._postgres, family=True) - self._postgres_began,
            for_web=self._sum_backends("web"),
            for_worker=self._sum_backends("worker"),
        )

    def _sum_backends(self, whose: str) -> float:
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
            if port in ports and psutil.pid_exists(pid):
                spent = _cpu(psutil.Process(pid), family=False)
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
    try:
        times, children = process.cpu_times(), process.children() if family else []
    except psutil.NoSuchProcess:
        # What has just ended is among its parent's dead.
        return 0.0
    own = float(times.user + times.system)
    if not family:
        return own
    living = sum(_cpu(child, family=True) for child in children)
    return own + float(times.children_user + times.children_system) + living
