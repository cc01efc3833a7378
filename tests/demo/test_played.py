"""The demo as a newcomer meets it: a whole portal in processes, its file, its flags over HTTP, its fleet."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from releaseportal.addresses import BASE_DIR
from releaseportal.embedded.postgres import remove_cluster
from tests.clients.packages import install_packages
from tests.machineroom.portal import Portal, find_free_port, make_environment, run_manage
from tests.migrated import furnish


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # A space and a quote in its name: every program of the portal must bear them.
    folder = tmp_path_factory.mktemp("demo") / 'l\'atelier de "Lyon"'
    yield folder
    remove_cluster(folder)


@pytest.fixture(scope="module")
def portal(data_dir: Path, pytestconfig: pytest.Config) -> Iterator[Portal]:
    furnish(data_dir, folder=pytestconfig.cache.mkdir("migrated"))
    running = Portal(data_dir, DEMO="1", FLEET="1", TILL_PORT=str(find_free_port()))
    try:
        yield running.wait_until_ready()
    finally:
        running.stop()
        assert running.find_left() == []


@pytest.fixture
def till(portal: Portal) -> str:
    """The address of the example till as the greeting names it."""
    install_packages(BASE_DIR / "examples" / "till")
    found = re.search(r"till is at (http://127\.0\.0\.1:\d+)/", portal.output.read_text())
    assert found
    return found.group(1)


def resolve(portal: Portal, *, flag: str, env: str, who: str, site: str) -> Any:
    found = portal.read()
    token = found["demo"]["tokens"][env]["client"]
    provider = OFREPProvider(found["url"], headers_factory=lambda: {"Authorization": f"Bearer {token}"})
    return provider.resolve_boolean_details(flag, False, EvaluationContext(who, {"site": site}))


def count_samples(portal: Portal) -> int:
    with psycopg.connect(portal.read()["database_url"]) as connection:
        row = connection.execute("SELECT count(*) FROM health_sample WHERE till !~ '^test-bench'").fetchone()
    assert row is not None
    return int(row[0])


def steer(portal: Portal, *arguments: str) -> str:
    done = run_manage("simulate_fleet", *arguments, environment=make_environment(portal.data_dir))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_portal_file__of_the_demo__holds_exactly_what_the_contract_names(portal: Portal) -> None:
    found = portal.read()

    assert {"url", "database_url", "redis_url", "pids", "demo"} <= set(found)
    assert set(found["pids"]) == {"web", "worker", "beat"}
    assert (portal.data_dir / "portal.json").stat().st_mode & 0o777 == 0o600
    assert set(found["demo"]) == {"users", "tokens", "rollout", "tills"}
    for account in found["demo"]["users"].values():
        assert account["username"] in portal.output.read_text()
        assert account["password"] in portal.output.read_text()


def test_up__while_a_new_database_is_made__says_what_it_does(portal: Portal) -> None:
    said = portal.output.read_text()

    order = [said.index(words) for words in ("Preparing the database", "Loading the demo", "The demo is loaded")]
    assert order == sorted(order)


def test_standing_rollout__asked_over_ofrep__has_its_flag_on_where_the_file_says(portal: Portal) -> None:
    named = portal.read()["demo"]["rollout"]

    told = resolve(portal, flag=named["flag"], env=named["environment"], who=named["targeting_key"], site=named["site"])

    assert told.value is True
    assert not told.error_code


def test_standing_rollout__at_a_site_still_to_come__has_its_flag_off(portal: Portal) -> None:
    named = portal.read()["demo"]["rollout"]

    told = resolve(portal, flag=named["flag"], env="prod", who="cashier-rennes-01", site="rennes")

    assert told.value is False


def test_token__of_one_environment__sees_nothing_of_another(portal: Portal) -> None:
    named = portal.read()["demo"]["rollout"]

    told = resolve(portal, flag=named["flag"], env="dev", who=named["targeting_key"], site=named["site"])

    assert told.value is False


def test_tills__of_the_demo__name_each_till_with_its_site_and_person(portal: Portal) -> None:
    found = portal.read()["demo"]["tills"]

    assert len(found) == 14
    assert {"till": "till-lyon-01", "site": "lyon", "targeting_key": "cashier-lyon-01"} in found


def test_example_till__while_up__serves_its_page_and_every_till_of_the_demo(portal: Portal, till: str) -> None:
    with urllib.request.urlopen(f"{till}/", timeout=10) as page, urllib.request.urlopen(f"{till}/config.json") as told:
        config = json.load(told)

        assert page.status == 200
    assert config["portal"] == portal.read()["url"]
    assert len(config["cashiers"]) == len(portal.read()["demo"]["tills"])
    assert portal.read()["demo"]["tokens"]["prod"]["server"] not in json.dumps(config)


@pytest.mark.parametrize("env", ["dev", "staging", "prod"])
def test_example_till__from_its_origin__may_read_the_flags(portal: Portal, till: str, env: str) -> None:
    found = portal.read()
    asked = urllib.request.Request(
        f"{found['url']}/ofrep/v1/evaluate/flags",
        data=b"{}",
        headers={"Authorization": f"Bearer {found['demo']['tokens'][env]['client']}", "Origin": till},
    )

    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == till


def test_readyz__once_the_portal_greets__has_all_parts(portal: Portal) -> None:
    with urllib.request.urlopen(f"{portal.read()['url']}/readyz", timeout=10) as answer:
        parts = json.load(answer)["parts"]

    assert parts == dict.fromkeys(("database", "broker", "snapshot", "scheduler"), True)


def test_fleet__while_up__reports_its_health_over_http(portal: Portal) -> None:
    before = count_samples(portal)

    portal.wait(lambda: count_samples(portal) > before)


def test_fleet__steered__shows_the_faults_until_cleared(portal: Portal) -> None:
    # In dev, where nobody plays: the portal of the other tests stays healthy.
    one = steer(portal, "--env", "dev", "--fault", "price_buttons_v1_3:error_rate=0.2")
    two = steer(portal, "--env", "dev", "--fault", "visual_signals_v1_3:latency=3")
    shown = json.loads((portal.data_dir / "fleet.json").read_text())["faults"]
    cleared = steer(portal, "--clear")

    assert "price_buttons_v1_3 error_rate=0.2 in dev" in one
    assert "price_buttons_v1_3 error_rate=0.2 in dev; visual_signals_v1_3 latency=3 in dev" in two
    assert {(row["flag"], row["kind"], row["value"]) for row in shown} == {
        ("price_buttons_v1_3", "error_rate", 0.2),
        ("visual_signals_v1_3", "latency", 3.0),
    }
    assert cleared == "The fleet is healthy."
    assert json.loads((portal.data_dir / "fleet.json").read_text()) == {"faults": []}


def test_command__while_up__finds_the_servers_by_data_dir_alone(portal: Portal) -> None:
    named = portal.read()["demo"]["rollout"]

    done = run_manage("flag", "show", named["flag"], "--env", "prod", environment=make_environment(portal.data_dir))

    assert done.returncode == 0, done.stderr
    assert named["flag"] in done.stdout


def sell(till: str) -> int:
    """Sell a book at the till, and return its receipt number."""
    body = json.dumps({"lines": [{"article": "livres", "cents": 200}]}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{till}/api/tickets", data=body), timeout=10) as answer:
        return int(json.load(answer)["number"])


def test_till__its_database_taken_back__loses_what_was_sold_since_and_no_number_twice(
    portal: Portal, till: str
) -> None:
    environment = make_environment(portal.data_dir)
    portal.wait(lambda: " verified " in run_manage("restore_point", "list", "till", environment=environment).stdout)
    sold = sell(till)

    done = run_manage(
        *("rollback", "start", "till", "--newest-point", "--accept-losses", "--reason", "Tried"),
        environment=environment,
    )

    assert done.returncode == 0, done.stderr
    assert f"receipts missing then: {sold}" in done.stdout
    assert sell(till) == sold + 1
    with urllib.request.urlopen(f"{till}/api/tickets?last=2", timeout=10) as answer:
        numbers = [one["number"] for one in json.load(answer)["tickets"]]
    assert numbers == [sold + 1, sold - 1]


def test_load_till__for_docker__writes_a_project_and_its_target(portal: Portal, data_dir: Path) -> None:
    folder = data_dir.parent / "project"

    done = run_manage("load_till", "--docker", str(folder), environment=make_environment(portal.data_dir))

    assert done.returncode == 0, done.stderr
    assert "TILL_IMAGE" in (folder / "docker-compose.yml").read_text()
    secret = folder / "till.env"
    assert "/till_docker" in secret.read_text()
    assert secret.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(portal.read()["database_url"]) as connection:
        row = connection.execute(
            "SELECT folder, is_for_drills FROM recovery_target WHERE key = 'till-docker'"
        ).fetchone()
    assert row == (str(folder), True)
