"""`manage.py simulate_fleet` at a shell: it says that it plays, and where."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from releaseportal.fleet.control import ALL
from releaseportal.management.commands import simulate_fleet


@pytest.mark.parametrize(("env", "where"), [("dev", "dev"), (ALL, "prod and staging")])
def test_play__told_where__says_so(
    env: str, where: str, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[Any] = []
    portal = {"url": "http://127.0.0.1:1", "demo": {"tokens": {"dev": {}, "staging": {}, "prod": {}}}}
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(simulate_fleet, "stop_on_signals", lambda _stop: None)
    monkeypatch.setattr(simulate_fleet, "wait_for_portal", lambda _stop: portal)
    monkeypatch.setattr(simulate_fleet, "play", lambda **given: played.append(given["envs"]))
    out = StringIO()

    call_command("simulate_fleet", env=env, stdout=out)

    assert out.getvalue() == f"The fleet plays in {where}, until Ctrl-C.\n"
    assert len(played) == 1
