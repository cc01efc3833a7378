"""A real Prometheus: scrapes each second, asks its rules each second."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.monitoring.program import Program, skip_without

PATH = "/usr/bin/prometheus"


class PrometheusServer(Program):
    """Scrapes the addresses `host:port`, follows the rules (the groups of a rule file), tells the alertmanagers."""

    def __init__(
        self,
        folder: Path,
        *,
        scrape: Sequence[str] = (),
        rules: Sequence[dict[str, Any]] = (),
        alertmanagers: Sequence[str] = (),
    ) -> None:
        skip_without(PATH, package="prometheus")
        super().__init__(folder, name="prometheus")
        # JSON is YAML.
        (folder / "rules.yml").write_text(json.dumps({"groups": list(rules)}))
        (folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                    "rule_files": [str(folder / "rules.yml")],
                    "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": list(scrape)}]}],
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(alertmanagers)}]}]},
                }
            )
        )

    def command(self) -> Sequence[str]:
        return [
            PATH,
            f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--rules.alert.resend-delay=1s",
        ]
