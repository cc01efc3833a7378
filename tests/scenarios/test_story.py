"""The product's main job, told once with real processes and an unmodified OpenFeature client."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from releaseportal.demo.catalogue import FLAG_KEYS, FLAGS, list_pilots, list_testers, list_tills
from tests.scenarios.observer import Observer
from tests.scenarios.people import Person
from tests.scenarios.planning import get_rollout, list_steps, plan_rehearsal
from tests.scenarios.stage import Stage, list_phases, raise_curtain

BAD = "price_buttons_v1_3"
#: What people call it.
BAD_NAME = next(flag.name for flag in FLAGS if flag.key == BAD)
ENV = "dev"
SITES = ("nantes", "brest", "rennes")
#: Long enough for a till to report every flag between the last step of a phase and the gate.
DAY_SECONDS = 20
#: What the product promises from the errors' receipt to off (README.md), between two stored moments.
CONTAINED_WITHIN = timedelta(seconds=5)
PLAN_SECONDS = 12 * DAY_SECONDS + 60.0


@pytest.fixture
def stage(tmp_path: Path, pytestconfig: pytest.Config) -> Iterator[Stage]:
    """A portal of its own: the story fills mailboxes, incidents and an environment that others use."""
    folder = pytestconfig.cache.mkdir("migrated")
    with raise_curtain(tmp_path / "data", migrated=folder) as one:
        yield one


@pytest.fixture
def people(stage: Stage) -> Iterator[Mapping[str, Observer]]:
    """One person of each audience, each with a client of their own."""
    cashiers = {till.site_key: till.people[0] for till in list_tills()}
    cast = {
        "tester": (list_testers()[0], "lyon"),
        "pilot": (list_pilots()[0], "lyon"),
        "first": (cashiers[SITES[0]], SITES[0]),
        "second": (cashiers[SITES[1]], SITES[1]),
        "last": (cashiers["paris"], "paris"),
    }
    token = stage.tell("demo", "tokens", ENV, "server")
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Observer(url=stage.tell("url"), token=token, who=who, site=site, keys=FLAG_KEYS))
            for name, (who, site) in cast.items()
        }


def test_release__rehearsed_with_a_bad_flag__is_let_out_and_only_that_flag_taken_back(
    stage: Stage, people: Mapping[str, Observer]
) -> None:
    with stage.sign_in("manager") as manager, stage.sign_in("manager2") as french:
        manager.send("/language/", {"language": "en"}, seen_on="/")
        french.send("/language/", {"language": "fr"}, seen_on="/")
        stage.start_fleet(env=ENV)
        rollout_id = plan_rehearsal(stage, manager, env=ENV, sites=SITES, day_seconds=DAY_SECONDS)

        _goes_through_the_first_phases(stage, people, rollout_id)
        _is_taken_back_alone(stage, people, rollout_id)
        _stands_in_incident_mail_and_pages(stage, manager, french, rollout_id)
        _goes_on_without_it(stage, people, manager, rollout_id)
    assert not any(observer.faults for observer in people.values())


def _goes_through_the_first_phases(stage: Stage, people: Mapping[str, Observer], rollout_id: int) -> None:
    """Internal, pilot one by one, then two of three sites: each person sees what the plan says, in its order."""
    stage.wait(lambda: people["tester"].list_on() == list(FLAG_KEYS), seconds=PLAN_SECONDS)
    assert people["pilot"].list_on() == people["first"].list_on() == []

    stage.wait(lambda: people["pilot"].list_on() == list(FLAG_KEYS), seconds=PLAN_SECONDS)
    sweeps = [people["pilot"].sweep_of_first_on(key) for key in FLAG_KEYS]
    assert sweeps == sorted(sweeps)
    assert len(set(sweeps)) > len(FLAG_KEYS) // 2
    moments = [step["done_at"] for step in list_steps(stage, rollout_id, status="done") if step["phase"] == "pilot"]
    assert moments == sorted(set(moments))
    assert people["first"].list_on() == []

    stage.wait(lambda: people["first"].list_on() == list(FLAG_KEYS), seconds=PLAN_SECONDS)
    assert people["second"].list_on() == []
    stage.wait(lambda: people["second"].list_on() == list(FLAG_KEYS), seconds=PLAN_SECONDS)
    assert list_phases(stage, rollout_id) == ["internal", "pilot", "per_site"]
    assert {change.reason for change in people["second"].changes if change.value} == {"TARGETING_MATCH"}


def _is_taken_back_alone(stage: Stage, people: Mapping[str, Observer], rollout_id: int) -> None:
    """Critical errors: that flag goes off for everybody, every other stays."""
    done = stage.manage("simulate_fleet", "--env", ENV, "--fault", f"{BAD}:critical")
    assert done.returncode == 0, done.stderr

    exposed = [people[name] for name in ("tester", "pilot", "first", "second")]
    stage.wait(lambda: not any(observer.is_on(BAD) for observer in exposed))
    for observer in exposed:
        assert observer.list_on() == [key for key in FLAG_KEYS if key != BAD]
        change = observer.find_now(BAD)
        assert change is not None
        assert (change.value, change.reason, change.variant) == (False, "DISABLED", "off")
    rollout = get_rollout(stage, rollout_id)
    assert (rollout["status"], rollout["held_code"]) == ("held", "flag_rolled_back")
    [rollback] = stage.ask("SELECT * FROM rollouts_rollback WHERE rollout_id = %s", rollout_id)
    assert (rollback["trigger"], rollback["scope"]) == ("critical_errors", "flag")
    assert rollback["evidence"]["k"] >= 3
    assert timedelta() <= rollback["contained_at"] - rollback["detected_at"] < CONTAINED_WITHIN
    states = stage.ask(
        "SELECT f.key FROM flags_flagstate s JOIN flags_flag f ON f.id = s.flag_id"
        " JOIN flags_environment e ON e.id = s.environment_id WHERE s.killed_at IS NOT NULL"
    )
    assert [state["key"] for state in states] == [BAD]


def _stands_in_incident_mail_and_pages(stage: Stage, manager: Person, french: Person, rollout_id: int) -> None:
    """The incident runs its clock from detection; both managers have mail, each in their language."""
    query = "SELECT * FROM incidents_incident WHERE rollout_id = %s"
    stage.wait(lambda: stage.ask(query, rollout_id))
    [incident] = stage.ask(query, rollout_id)
    [rollback] = stage.ask("SELECT * FROM rollouts_rollback WHERE rollout_id = %s", rollout_id)
    assert (incident["tier"], incident["status"], incident["restored_at"]) == ("critical", "open", None)
    assert incident["detected_at"] == rollback["detected_at"]
    assert incident["opened_at"] - incident["detected_at"] < timedelta(hours=1)
    assert incident["flag_keys"] == [BAD]
    page = manager.read(f"/incidents/{incident['id']}/")
    assert BAD in page
    assert manager.read("/incidents/").count(f"/incidents/{incident['id']}/") >= 1

    subject = f"{BAD_NAME} rolled back in {ENV}"
    stage.wait(lambda: stage.mailbox.find(to=manager.username, words=subject))
    stage.wait(lambda: stage.mailbox.find(to=french.username, words=BAD_NAME))
    english_mail = stage.mailbox.find(to=manager.username, words=subject)
    french_mail = stage.mailbox.find(to=french.username, words=BAD_NAME)
    assert english_mail is not None
    assert french_mail is not None
    assert all(stage.tell("url") in part.get_content() for part in english_mail.iter_parts())
    assert all(f"{BAD_NAME} ({BAD})" in part.get_content() for part in english_mail.iter_parts())
    assert len(list(english_mail.iter_parts())) == 2
    assert english_mail["Subject"] != french_mail["Subject"]
    stage.wait(lambda: stage.mailbox.find(to=french.username, words="Retour arrière"))
    assert BAD_NAME in manager.read("/inbox/")


def _goes_on_without_it(stage: Stage, people: Mapping[str, Observer], manager: Person, rollout_id: int) -> None:
    """A person clears the fault and resumes: the next site gets the other seven, the bad one stays off."""
    assert stage.manage("simulate_fleet", "--clear").returncode == 0
    page = f"/rollouts/{rollout_id}/"
    manager.send(f"{page}resume/", {"reason": "Seven flags are healthy"}, seen_on=page)

    stage.wait(lambda: get_rollout(stage, rollout_id)["status"] != "running", seconds=PLAN_SECONDS)

    assert get_rollout(stage, rollout_id)["status"] == "completed"
    stage.wait(lambda: people["last"].list_on() == [key for key in FLAG_KEYS if key != BAD])
    assert not any(change.value for change in people["last"].list_changes(BAD))
    assert list_phases(stage, rollout_id) == ["internal", "pilot", "per_site", "full"]
