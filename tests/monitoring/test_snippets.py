"""What the docs and the page tell people to copy is what the real programs take."""

import re
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.utils.html import strip_tags

from tests.factories.flags import make_environment
from tests.monitoring.program import skip_without
from tests.signed_in import sign_in

PROMTOOL = "/usr/bin/promtool"
AMTOOL = "/usr/bin/amtool"


def _check(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _in_docs() -> list[Any]:
    text = (Path(settings.BASE_DIR) / "docs/how-to/connect-monitoring.md").read_text(encoding="utf-8")
    found = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    return [yaml.safe_load(textwrap.dedent(one)) for one in found]


def _on_page() -> list[Any]:
    make_environment()
    page = sign_in().get("/health/alerts/connect/").content.decode()
    found = re.findall(r'<pre class="snippet"[^>]*>(.*?)</pre>', page, flags=re.DOTALL)
    return [yaml.safe_load(strip_tags(one).replace("&gt;", ">").replace("&quot;", '"')) for one in found]


@pytest.mark.django_db
def test_snippets__of_docs_and_page__are_the_same_but_for_the_address() -> None:
    alertmanager, rules, grafana = _in_docs()

    text = yaml.safe_dump([alertmanager, rules, grafana]).replace("https://portal.example.org", settings.PUBLIC_URL)

    assert yaml.safe_dump(_on_page()) == text


def test_snippet__of_alertmanager__is_taken_by_it(tmp_path: Path) -> None:
    skip_without(AMTOOL, package="prometheus-alertmanager")
    config = _in_docs()[0]
    # Whoever merges it in has a receiver for everything else.
    config["route"]["receiver"] = "release-portal"
    (tmp_path / "alertmanager.yml").write_text(yaml.safe_dump(config))

    _check(AMTOOL, "check-config", str(tmp_path / "alertmanager.yml"))


def test_snippet__of_prometheus__is_taken_by_it(tmp_path: Path) -> None:
    skip_without(PROMTOOL, package="prometheus")
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(_in_docs()[1]))

    _check(PROMTOOL, "check", "rules", str(tmp_path / "rules.yml"))
