"""A real Alertmanager that tells one webhook of everything, as soon as it may."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.monitoring.program import Program, skip_without

PATH = "/usr/bin/prometheus-alertmanager"


class AlertmanagerServer(Program):
    """Sends each alert to `webhook` with a bearer token, and again each second while it fires."""

    def __init__(self, folder: Path, *, webhook: str, token: str) -> None:
        skip_without(PATH, package="prometheus-alertmanager")
        super().__init__(folder, name="alertmanager")
        receiver = {
            "name": "portal",
            "webhook_configs": [
                {
                    "url": webhook,
                    "send_resolved": True,
                    "max_alerts": 500,
                    "http_config": {"authorization": {"credentials": token}},
                }
            ],
        }
        route = {
            "receiver": "portal",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1s",
        }
        (folder / "alertmanager.yml").write_text(json.dumps({"route": route, "receivers": [receiver]}))

    def command(self) -> Sequence[str]:
        return [
            PATH,
            f"--config.file={self.folder}/alertmanager.yml",
            f"--storage.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
