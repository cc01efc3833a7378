"""The public page outlives the database and the broker, also through a restart of the web process."""

from pathlib import Path

import requests

from tests.scenarios.outage import part_gone, web_process
from tests.scenarios.stage import Stage

FRENCH = {"Accept-Language": "fr"}
TIMEOUT_SECONDS = 60
PATHS = ("", "en/", "history.html", "page.css", "feed.atom", "feed.rss", "api/v2/summary.json", "api/v2/incidents.json")


def _read(url: str) -> dict[str, tuple[int, str]]:
    answers = {path: requests.get(f"{url}/status/{path}", headers=FRENCH, timeout=TIMEOUT_SECONDS) for path in PATHS}
    return {path: (answer.status_code, answer.headers.get("ETag", "")) for path, answer in answers.items()}


def _is_served(url: str) -> bool:
    try:
        return requests.get(f"{url}/status/", headers=FRENCH, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_page__database_and_broker_away__stays_up_also_after_a_restart(stage: Stage) -> None:
    url = stage.tell("url")
    stage.wait(lambda: _is_served(url))
    before = _read(url)

    with part_gone(stage, "postgres", "valkey"):
        away = _read(url)
        etag = away[""][1]
        again = requests.get(f"{url}/status/", headers=FRENCH | {"If-None-Match": etag}, timeout=TIMEOUT_SECONDS)
        with web_process(stage) as fresh_url:
            stage.wait(lambda: _is_served(fresh_url))
            fresh, settled = _read(fresh_url), _read(url)

    assert {status for status, _etag in before.values()} == {200}
    assert {status for status, _etag in away.values()} == {200}
    assert again.status_code == 304
    assert {status for status, _etag in fresh.values()} == {200}
    # What no silence makes old is the same to the byte; the first process may have been drawing as the database went.
    assert [fresh[path] for path in PATHS if path.startswith("api")] == [
        settled[path] for path in PATHS if path.startswith("api")
    ]


def test_copy__of_the_running_portal__is_what_it_serves(stage: Stage) -> None:
    url, folder = stage.tell("url"), stage.portal.data_dir / "status-page"
    stage.wait(lambda: _is_served(url) and (folder / "index.html").exists())

    stage.wait(lambda: _is_same(url, folder))


def _is_same(url: str, folder: Path) -> bool:
    served = requests.get(f"{url}/status/api/v2/summary.json", timeout=TIMEOUT_SECONDS).content
    return served == (folder / "api/v2/summary.json").read_bytes()
