"""A real Prometheus on loopback, which a test starts, kills and starts again by its pid."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest
import yaml

from tests.machineroom.portal import find_free_port

READY_SECONDS = 60.0
MISSING = "no Prometheus here: apt-get install -y --no-install-recommends prometheus"


@dataclass(frozen=True)
class Target:
    """What is scraped: host and port, and labels that every series of it gets."""

    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


class PrometheusServer:
    """One Prometheus with its data in a folder; `with` stops it.

    `scrape`: targets, once a second. `rules`: groups of a rules file. `alertmanagers`: addresses alerts are sent to.
    `history`: OpenMetrics text with times, stored before it starts, for what happened in the minutes before.
    """

    def __init__(
        self,
        folder: Path,
        scrape: Sequence[Target] = (),
        rules: Sequence[Mapping[str, object]] = (),
        *,
        alertmanagers: Sequence[str] = (),
        history: str = "",
    ) -> None:
        if shutil.which("prometheus") is None or shutil.which("promtool") is None:
            pytest.skip(MISSING)
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._write_config(scrape, rules, alertmanagers)
        if history:
            self._import(history)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, or start it again, on the same port and data; return once it answers."""
        command = [
            "prometheus",
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
            "--rules.alert.resend-delay=1s",
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            # `with` ends only what it began.
            self.kill()
            raise

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def _write_config(
        self, scrape: Sequence[Target], rules: Sequence[Mapping[str, object]], alertmanagers: Sequence[str]
    ) -> None:
        static = [{"targets": [one.address], "labels": dict(one.labels)} for one in scrape]
        config: dict[str, object] = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "tills", "static_configs": static}] if static else [],
        }
        if rules:
            (self.folder / "rules.yml").write_text(yaml.safe_dump({"groups": [dict(one) for one in rules]}))
            config["rule_files"] = [str(self.folder / "rules.yml")]
        if alertmanagers:
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]}
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def _import(self, history: str) -> None:
        text = self.folder / "history.txt"
        text.write_text(history)
        made = subprocess.run(
            ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(self.folder / "data")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
