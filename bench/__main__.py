"""`make bench`: starts portals of its own with the demo, measures, stops them.

Compare ratios and runs on one machine, never milliseconds of two machines.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import containment, evaluation, soak
from bench.figures import Figures
from releaseportal.embedded.postgres import remove_cluster
from tests.machineroom.portal import Portal

ENVIRONMENT = "prod"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="portals to start; each takes eight flags back")
    rounds = parser.parse_args().rounds
    contained: list[float] = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
            data_dir = Path(folder, "data")
            portal = Portal(data_dir, DEMO="1", FLEET="0")
            try:
                contained += _play(portal.wait_until_ready().read(), is_first=number == 0)
            finally:
                portal.stop()
                remove_cluster(data_dir)
    print(Figures("critical errors accepted → off for a client", contained))


def _play(told: dict[str, Any], *, is_first: bool) -> list[float]:
    url, tokens = told["url"], told["demo"]["tokens"][ENVIRONMENT]
    flags = evaluation.list_flags_on(url, token=tokens["server"])
    if is_first:
        for figures in evaluation.measure(url, token=tokens["server"], flag=flags[0]):
            print(figures)
    return [
        containment.measure_one(url, telemetry=tokens["telemetry"], server=tokens["server"], flag=flag)
        for flag in flags
    ]


if __name__ == "__main__":
    soak.main(sys.argv[2:]) if sys.argv[1:2] == ["soak"] else main()
