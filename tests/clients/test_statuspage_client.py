"""A published client of Statuspage v2 (statuspage-prometheus-exporter), unmodified, on the portal's own page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.scenarios.stage import PATIENCE_SECONDS, Stage

CLIENT = "from statuspage_prometheus_exporter.status_monitoring import main; main()"


@pytest.mark.parametrize("folder", ["status", "status/en"])
def test_client__of_statuspage__reads_the_portal_as_any_other_page(stage: Stage, tmp_path: Path, folder: str) -> None:
    url = f"{stage.tell('url')}/{folder}/api/v2/summary.json"
    stage.wait(lambda: requests.get(url, timeout=PATIENCE_SECONDS).status_code == 200)
    summary = requests.get(url, timeout=PATIENCE_SECONDS).json()
    services = {"portal": {"name": "Portal", "url": url, "type": "status_page"}}
    (tmp_path / "services.json").write_text(json.dumps(services))

    metrics = tmp_path / "portal.prom"
    done = subprocess.run(
        [sys.executable, "-c", CLIENT],
        cwd=tmp_path,
        env=os.environ | {"RUN_MODE": "once", "METRICS_TEXTFILE_PATH": str(metrics)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = {family.name: family.samples for family in text_string_to_metric_families(metrics.read_text())}
    components = {one.labels["component_name"]: one.value for one in found["statuspage_component_status"]}
    assert components == {one["name"]: float(one["status"] == "operational") for one in summary["components"]}
    assert len(components) >= 8
    assert [one.value for one in found["statuspage_probe_check"]] == [1.0]
    [status] = found["statuspage_service_status"]
    assert status.value == float(summary["status"]["indicator"] == "none")
