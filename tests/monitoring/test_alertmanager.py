"""A real Prometheus and a real Alertmanager tell a running portal what fires, what is over, and that they are there."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.monitoring.alertmanager import AlertmanagerServer
from tests.monitoring.exporter import Exporter
from tests.monitoring.prometheus import PrometheusServer, Target
from tests.scenarios.stage import Stage

#: Where no rollout runs: what fires here is nobody's evidence.
ENVIRONMENT = "dev"
#: The tills' figure.
FAILING = 'sales_failing{site="lyon"}'


class Monitoring:
    """The tills' figure, who watches it, and what the portal knows of both."""

    def __init__(self, stage: Stage, stack: ExitStack, folder: Path) -> None:
        self.stage = stage
        self.flag: str = stage.tell("demo", "rollout", "flag")
        self.heard_before = self.source()["watchdog_at"]
        self.exporter = stack.enter_context(Exporter())
        token = stage.tell("demo", "tokens", ENVIRONMENT, "telemetry")
        webhook = f"{stage.tell('url')}/hooks/alertmanager"
        self.alertmanager = stack.enter_context(AlertmanagerServer(folder / "am", webhook=webhook, token=token))
        self.prometheus = stack.enter_context(
            PrometheusServer(
                folder / "prom",
                scrape=[Target(self.exporter.address)],
                alertmanagers=[f"127.0.0.1:{self.alertmanager.port}"],
                rules=[{"name": "shop", "rules": self._rules()}],
            )
        )

    def _rules(self) -> list[dict[str, Any]]:
        failing = {"severity": "critical", "flag": self.flag}
        return [
            {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
            {
                "alert": "SalesFail",
                "expr": "sales_failing > 0",
                "labels": failing,
                "annotations": {"summary": "Sales fail at {{ $labels.site }}"},
            },
        ]

    def alerts(self) -> list[dict[str, Any]]:
        return self.stage.ask(
            "SELECT a.*, f.key AS flag_key, s.key AS site_key FROM health_alert a JOIN flags_environment e"
            " ON e.id = a.environment_id LEFT JOIN flags_flag f ON f.id = a.flag_id"
            " LEFT JOIN flags_site s ON s.id = a.site_id WHERE e.key = %s AND a.name = 'SalesFail' ORDER BY a.id",
            ENVIRONMENT,
        )

    def source(self) -> dict[str, Any]:
        found = self.stage.ask(
            "SELECT o.* FROM health_alertsource o JOIN flags_environment e ON e.id = o.environment_id"
            " WHERE e.key = %s AND o.origin = 'alertmanager'",
            ENVIRONMENT,
        )
        return found[0] if found else {"watchdog_at": None, "watchdog_ended_at": None}

    def is_alive(self) -> bool:
        """Tell whether the watchdog of these very programs was heard, and did not end."""
        source = self.source()
        return source["watchdog_at"] != self.heard_before and source["watchdog_ended_at"] is None


@pytest.fixture
def monitoring(stage: Stage, tmp_path: Path) -> Iterator[Monitoring]:
    with ExitStack() as stack:
        yield Monitoring(stage, stack, tmp_path)


def test_alert__of_a_real_alertmanager__fires_repeats_and_ends_in_one_record(
    stage: Stage, monitoring: Monitoring
) -> None:
    stage.wait(monitoring.is_alive)

    monitoring.exporter.counters[FAILING] = 1
    stage.wait(lambda: [one for one in monitoring.alerts() if one["times_received"] > 2])
    firing = monitoring.alerts()[-1]
    monitoring.exporter.counters[FAILING] = 0
    stage.wait(lambda: monitoring.alerts()[-1]["ended_at"] is not None)
    ended = monitoring.alerts()[-1]

    assert (firing["flag_key"], firing["site_key"], firing["severity"]) == (monitoring.flag, "lyon", "critical")
    assert (firing["summary"], firing["ended_at"]) == ("Sales fail at lyon", None)
    assert firing["link"].startswith("http://")
    assert (ended["id"], ended["started_at"]) == (firing["id"], firing["started_at"])
    assert ended["started_at"] < ended["ended_at"] <= ended["last_received_at"]

    monitoring.exporter.counters[FAILING] = 1
    stage.wait(lambda: len(monitoring.alerts()) == 2)
    assert [one["ended_at"] is None for one in monitoring.alerts()] == [False, True]


def test_prometheus__that_dies__is_heard_by_its_watchdog(stage: Stage, monitoring: Monitoring) -> None:
    stage.wait(monitoring.is_alive)

    monitoring.prometheus.kill()

    stage.wait(lambda: monitoring.source()["watchdog_ended_at"] is not None)
    monitoring.prometheus.start()
    stage.wait(monitoring.is_alive)
