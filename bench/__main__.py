"""`make bench`: starts portals of its own with the demo, measures, stops them.

Compare ratios and runs on one machine, never milliseconds of two machines
(docs/explanation/performance.md says how to read the figures).
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psutil

from bench import (
    containment,
    evaluation,
    guardrails,
    incidents,
    ingestion,
    inprocess,
    live,
    outbox,
    plans,
    recovery,
    soak,
    statuspage,
    throughput,
)
from bench.figures import Figures
from bench.server import Server, serve
from releaseportal.embedded.postgres import remove_cluster
from tests.machineroom.portal import Portal
from tests.scenarios.stage import raise_curtain

ENVIRONMENT = "prod"


class Measured(Protocol):
    """A figure that prints itself, and says whether it keeps its bound."""

    @property
    def is_within(self) -> bool: ...


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"which of {', '.join(PARTS)}; all without any")
    parser.add_argument("--requests", type=int, default=20_000, help="of each kind in a round of the throughput")
    parser.add_argument("--rounds", type=int, default=3, help="of the throughput; the least counts")
    parser.add_argument("--megabytes", type=int, default=1_024, help="size of the database that recovery restores")
    parser.add_argument("--rollouts", type=int, default=1_000, help="simulated for each line of the guardrails' table")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each load of the ingestion")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}: choose among {', '.join(PARTS)}")
    kept = []
    for name in options.parts or PARTS:
        print(f"\n{name}", flush=True)
        kept.append(PARTS[name](options))
    sys.exit(0 if all(kept) else 1)


@contextmanager
def _portal(*, fleet: str = "0") -> Iterator[tuple[Portal, Path]]:
    """Give a running portal with the demo, and a folder of its own; its tills play where `fleet` is "1"."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        data_dir = Path(folder, "data")
        portal = Portal(data_dir, DEMO="1", FLEET=fleet)
        try:
            yield portal.wait_until_ready(), Path(folder, "bench")
        finally:
            portal.stop()
            remove_cluster(data_dir)


def _measure_in_process(_options: argparse.Namespace) -> bool:
    for cost in inprocess.measure():
        print(cost)
    return True


def _measure_throughput(options: argparse.Namespace) -> bool:
    with _portal() as (portal, folder), serve(portal, folder, flags=throughput.ENVIRONMENTS) as server:
        tokens = {key: kinds["server"] for key, kinds in portal.read()["demo"]["tokens"].items()}
        table = throughput.measure(server, tokens=tokens, requests=options.requests, rounds=options.rounds)
    print(table)
    return all(table.is_within(case) for case in table.cases)


def _measure_containment(_options: argparse.Namespace) -> bool:
    with _portal() as (portal, _folder):
        told = portal.read()
        url, tokens = told["url"], told["demo"]["tokens"][ENVIRONMENT]
        seconds = [
            containment.measure_one(url, telemetry=tokens["telemetry"], server=tokens["server"], flag=flag)
            for flag in containment.list_flags_on(url, token=tokens["server"])
        ]
    print(Figures("critical errors accepted → off for a client", seconds))
    return True


def _measure_live(_options: argparse.Namespace) -> bool:
    kept = True
    with (
        tempfile.TemporaryDirectory(prefix="portal-bench-") as folder,
        raise_curtain(Path(folder, "data")) as stage,
    ):
        for streams in live.STREAMS:
            for figures, bound in live.measure(stage, streams=streams):
                is_within = figures.percentile(0.99) < bound
                print(figures, "" if is_within else f"OVER {bound:.0f} s", flush=True)
                kept = kept and is_within
    return kept


def _print_each(measured: Iterable[Measured]) -> bool:
    """Print figures as soon as each is there; True where all keep their bounds."""
    kept = True
    for one in measured:
        print(one, flush=True)
        kept = kept and one.is_within
    return kept


def _measure_plans(_options: argparse.Namespace) -> bool:
    with _portal() as (portal, _folder):
        return _print_each(plans.measure(portal))


def _measure_recovery(options: argparse.Namespace) -> bool:
    with _portal() as (portal, folder):
        return _print_each(recovery.measure(portal, folder=folder, megabytes=options.megabytes))


def _measure_guardrails(options: argparse.Namespace) -> bool:
    return _print_each(guardrails.measure(rollouts=options.rollouts, runs=options.rollouts))


def _measure_evaluation(_options: argparse.Namespace) -> bool:
    return _print_each(evaluation.measure())


def _measure_incidents(_options: argparse.Namespace) -> bool:
    return _print_each(incidents.measure())


def _measure_outbox(_options: argparse.Namespace) -> bool:
    return _print_each(outbox.measure())


def _measure_ingestion(options: argparse.Namespace) -> bool:
    with _portal() as (portal, _folder):
        return _print_each(ingestion.measure(portal, seconds=options.seconds))


def _measure_statuspage(options: argparse.Namespace) -> bool:
    with _portal(fleet="1") as (portal, _folder):
        server = Server(portal.port, psutil.Process(portal.read()["pids"]["web"]))
        return _print_each(statuspage.measure(server, requests_each=options.requests, rounds=options.rounds))


PARTS: Mapping[str, Callable[[argparse.Namespace], bool]] = {
    "in-process": _measure_in_process,
    "throughput": _measure_throughput,
    "containment": _measure_containment,
    "ingestion": _measure_ingestion,
    "evaluation": _measure_evaluation,
    "incidents": _measure_incidents,
    "outbox": _measure_outbox,
    "live": _measure_live,
    "plans": _measure_plans,
    "recovery": _measure_recovery,
    "guardrails": _measure_guardrails,
    "statuspage": _measure_statuspage,
}

if __name__ == "__main__":
    soak.main(sys.argv[2:]) if sys.argv[1:2] == ["soak"] else main()
