"""`make bench`: starts portals of its own with the demo, measures, stops them.

Compare ratios and runs on one machine, never milliseconds of two machines
(docs/explanation/performance.md says how to read the figures).
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import containment, evaluation, guardrails, ingestion, inprocess, live, plans, recovery, soak, throughput
from bench.figures import Figures
from bench.server import serve
from releaseportal.embedded.postgres import remove_cluster
from tests.machineroom.portal import Portal
from tests.scenarios.stage import raise_curtain

ENVIRONMENT = "prod"


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
def _portal() -> Iterator[tuple[Portal, Path]]:
    """Give a running portal with the demo, and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        data_dir = Path(folder, "data")
        portal = Portal(data_dir, DEMO="1", FLEET="0")
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
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        data_dir = Path(folder, "data")
        try:
            with raise_curtain(data_dir) as stage:
                for streams in live.STREAMS:
                    for figures, bound in live.measure(stage, streams=streams):
                        is_within = figures.percentile(0.99) < bound
                        print(figures, "" if is_within else f"OVER {bound:.0f} s", flush=True)
                        kept = kept and is_within
        finally:
            remove_cluster(data_dir)
    return kept


def _measure_plans(_options: argparse.Namespace) -> bool:
    kept = True
    with _portal() as (portal, _folder):
        for measured in plans.measure(portal):
            print(measured, flush=True)
            kept = kept and measured.is_within()
    return kept


def _measure_recovery(options: argparse.Namespace) -> bool:
    kept = True
    with _portal() as (portal, folder):
        for measured in recovery.measure(portal, folder=folder, megabytes=options.megabytes):
            print(measured, flush=True)
            kept = kept and measured.is_within
    return kept


def _measure_guardrails(options: argparse.Namespace) -> bool:
    kept = True
    for measured in guardrails.measure(rollouts=options.rollouts, runs=options.rollouts):
        print(measured, flush=True)
        kept = kept and measured.is_kept
    return kept


def _measure_evaluation(_options: argparse.Namespace) -> bool:
    kept = True
    for measured in evaluation.measure():
        print(measured, flush=True)
        kept = kept and measured.is_within()
    return kept


def _measure_ingestion(options: argparse.Namespace) -> bool:
    kept = True
    with _portal() as (portal, _folder):
        for line in ingestion.measure(portal, seconds=options.seconds):
            print(line, flush=True)
            kept = kept and line.is_within
    return kept


PARTS: Mapping[str, Callable[[argparse.Namespace], bool]] = {
    "in-process": _measure_in_process,
    "throughput": _measure_throughput,
    "containment": _measure_containment,
    "ingestion": _measure_ingestion,
    "evaluation": _measure_evaluation,
    "live": _measure_live,
    "plans": _measure_plans,
    "recovery": _measure_recovery,
    "guardrails": _measure_guardrails,
}

if __name__ == "__main__":
    soak.main(sys.argv[2:]) if sys.argv[1:2] == ["soak"] else main()
