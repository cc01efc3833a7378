"""The dossier of a release: whole, the same for the same facts, and seen through when it was changed."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.actors import SCHEDULER, person
from core.errors import InvalidInput
from core.roles import Role
from health.models import Decision
from incidents.dossier_file import read_file, write_html, write_json
from incidents.dossier_queries import compose_facts
from incidents.intake import take_in
from incidents.models import Dossier, Incident
from incidents.transitions import confirm_restored, link_complaints
from incidents.transitions.filing import note_dossier
from procedures.transitions.opening import open_for_rollback
from rollouts.domain.approving import hash_content
from rollouts.models import Release, Rollout, RolloutEvent, Trigger
from rollouts.transitions import create_release, roll_back
from tests.factories.core import make_person
from tests.factories.health import make_complaint
from tests.factories.incidents import learn
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in, sign_in_as

pytestmark = pytest.mark.django_db

BROKEN = NOW + timedelta(seconds=DAY + 40)
BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rollout with a flag taken back, its incident restored late and learnt from."""
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=DAY + 30)
    return rollout


@pytest.fixture
def incident(world: World, rollout: Rollout) -> Incident:
    flag = world.flags[0]
    rollback = roll_back(rollout_id=rollout.pk, flag_ids=[flag.pk], trigger=Trigger.MANUAL, now=BROKEN, **BY)
    open_for_rollback(rollback, now=BROKEN)
    incident = take_in(RolloutEvent.objects.get(kind="flag_rolled_back").pk, now=BROKEN)
    assert incident is not None
    said = make_complaint(
        world.environment, site=world.sites[0], flag=flag, reporter="Ana Secret", text="My secret words"
    )
    link_complaints(incident_id=incident.pk, complaint_ids=[said.pk], now=BROKEN, **BY)
    user = make_person(Role.SUPPORT)
    confirm_restored(incident_id=incident.pk, actor=person(user), reason=WHY, now=BROKEN + timedelta(hours=2))
    learn(incident, user=user, now=BROKEN + timedelta(hours=3))
    Decision.objects.create(
        subject=rollout.subject,
        epoch=1,
        lane="error_rate",
        environment_key=world.environment.key,
        flag_key=flag.key,
        at=BROKEN,
        mode="observe",
        act="observed",
        verdict="breach",
        code="error_rate",
        n=100,
        k=20,
        window_start=BROKEN - timedelta(minutes=5),
        window_end=BROKEN,
        threshold="5 %",
        bound_bp=1_200,
        data={"threshold_bp": 500},
    )
    return incident


def _take(client: Client, release: Release, form: str) -> str:
    answer = client.post(f"/incidents/dossiers/{release.pk}/{form}/")
    assert answer.status_code == 200
    assert "attachment" in answer["content-disposition"]
    return str(answer.content.decode())


def _check(path: Path, text: str) -> tuple[int, str, str]:
    path.write_text(text, encoding="utf-8")
    out, err = StringIO(), StringIO()
    try:
        call_command("check_dossier", str(path), stdout=out, stderr=err)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_facts__of_a_release__tell_all_of_it(world: World, rollout: Rollout, incident: Incident) -> None:
    facts = compose_facts(world.release)

    [told] = facts["rollouts"]
    steps = [step for phase in told["phases"] for step in phase["steps"]]
    assert {step["status"] for step in steps} >= {"done", "planned"}
    done = [step for step in steps if step["done_at"]]
    assert all(step["late_seconds"] >= 0 for step in done)
    taken = [one for one in told["exposures"] if one["flag"] == world.flags[0].key]
    assert taken
    assert {one["ended_by"] for one in taken} == {"flag_rolled_back"}
    [rollback] = told["rollbacks"]
    assert (rollback["flags"], rollback["contain_seconds"]) == ([world.flags[0].key], 0)
    assert rollback["procedure"]["items"]
    assert [one["act"] for one in told["decisions"]] == ["observed"]
    assert {event["kind"] for event in told["story"]} >= {"planned", "scheduled", "phase_started", "flag_rolled_back"}
    [one] = facts["incidents"]
    assert (one["id"], one["is_in_time"], one["taken_seconds"]) == (incident.pk, False, 7_200)
    assert (one["post_mortem"]["status"], one["post_mortem"]["texts"]["root_cause"]) == ("published", "Rounding")
    assert [measure["title"] for measure in one["measures"]] == ["Test the rounding"]


def test_facts__complainants__are_nowhere(world: World, incident: Incident) -> None:
    written = json.dumps(compose_facts(world.release))

    assert "Ana Secret" not in written
    assert "secret words" not in written
    assert compose_facts(world.release)["incidents"][0]["complaints"] == 1


def test_facts__asked_again__have_the_same_hash_until_something_happens(
    world: World, rollout: Rollout, incident: Incident
) -> None:
    before = hash_content(compose_facts(world.release))
    assert hash_content(compose_facts(world.release)) == before
    note_dossier(release_id=world.release.pk, sha256=before, actor=person(make_person(Role.AUDITOR)), now=NOW)
    assert hash_content(compose_facts(world.release)) == before

    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=BROKEN + timedelta(hours=4), **BY)

    assert hash_content(compose_facts(world.release)) != before


def test_facts__a_release_that_went_nowhere__are_told_as_well(world: World) -> None:
    release = create_release(version="9.0", flag_ids=[world.flags[0].pk], now=NOW, **BY)

    facts = compose_facts(release)

    assert (facts["rollouts"], facts["incidents"]) == ([], [])
    assert "Not on its way" in sign_in(Role.AUDITOR).get(f"/incidents/dossiers/{release.pk}/").content.decode()


def test_facts__with_more_of_everything__ask_as_often(world: World, rollout: Rollout, incident: Incident) -> None:
    with CaptureQueriesContext(connection) as once:
        compose_facts(world.release)
    for number, flag in enumerate(world.flags[1:], start=5):
        now = BROKEN + timedelta(hours=number)
        rollback = roll_back(rollout_id=rollout.pk, flag_ids=[flag.pk], trigger=Trigger.MANUAL, now=now, **BY)
        open_for_rollback(rollback, now=now)
    for event in RolloutEvent.objects.filter(kind__in=["flag_rolled_back", "rolled_back"], intake_claim=None):
        other = take_in(event.pk, now=event.at)
        assert other is not None
        learn(other, now=event.at)
    with CaptureQueriesContext(connection) as again:
        compose_facts(world.release)

    assert len(once) == len(again)
    assert len(once) < 40


def test_page__in_both_languages__shows_facts_and_hash(world: World, incident: Incident) -> None:
    path = f"/incidents/dossiers/{world.release.pk}/"
    user = make_person(Role.AUDITOR, language="en")

    english = sign_in_as(user).get(path).content.decode()
    french = sign_in_as(make_person(Role.AUDITOR, language="fr"), language="fr").get(path).content.decode()

    assert hash_content(compose_facts(world.release)) in english
    assert hash_content(compose_facts(world.release)) in french
    assert "Plan against done" in english
    assert "restored too late" in english
    assert "Plan against done" not in french
    assert "Ana Secret" not in english + french


def test_page__from_a_release_and_its_rollout__is_one_link_away(world: World, rollout: Rollout) -> None:
    client = sign_in(Role.AUDITOR)
    path = f'href="/incidents/dossiers/{world.release.pk}/"'

    assert path in client.get(f"/releases/{world.release.pk}/").content.decode()
    assert path in client.get(f"/rollouts/{rollout.pk}/").content.decode()


def test_take__a_file__is_noted_with_its_hash_and_who(world: World, incident: Incident) -> None:
    user = make_person(Role.AUDITOR, language="en")

    given = read_file(_take(sign_in_as(user), world.release, "html"))

    [noted] = Dossier.objects.all()
    assert (noted.sha256, noted.made_by, noted.release) == (given.sha256, user, world.release)
    assert hash_content(given.facts) == given.sha256
    page = sign_in_as(user).get(f"/incidents/dossiers/{world.release.pk}/").content.decode()
    assert "the same facts as now" in page


def test_take__page_and_json__hold_the_same_facts_and_nothing_from_elsewhere(world: World, incident: Incident) -> None:
    client = sign_in(Role.RELEASE_MANAGER)

    page, data = _take(client, world.release, "html"), _take(client, world.release, "json")

    assert read_file(page).facts == json.loads(data)["facts"]
    assert json.loads(data)["sha256"] == read_file(page).sha256
    assert not re.search(r"(?:src|href)=", page)
    assert "<script" in page
    assert page.count("<script") == 1


def test_take__hostile_words__end_nothing(world: World) -> None:
    release = create_release(
        version="9.1", name="</script><script>alert(1)</script>", flag_ids=[world.flags[0].pk], now=NOW, **BY
    )

    page = _take(sign_in(Role.RELEASE_MANAGER), release, "html")

    assert page.count("<script") == 1
    assert "alert(1)</script><" not in page
    assert read_file(page).facts["release"]["name"] == "</script><script>alert(1)</script>"


def test_take__unknown_format_or_by_reading__is_none(world: World) -> None:
    client = sign_in(Role.AUDITOR)
    path = f"/incidents/dossiers/{world.release.pk}"

    assert client.post(f"{path}/pdf/").status_code == 404
    assert client.get(f"{path}/html/").status_code == 302
    assert Client().post(f"{path}/html/").status_code == 302
    assert Dossier.objects.count() == 0


@pytest.mark.parametrize("form", ["html", "json"])
def test_check__as_taken__holds(world: World, incident: Incident, tmp_path: Path, form: str) -> None:
    text = _take(sign_in(Role.AUDITOR), world.release, form)

    code, out, err = _check(tmp_path / "d", text)

    assert (code, err) == (0, "")
    assert "The dossier holds" in out
    assert "a-auditor" in out


@pytest.mark.parametrize("form", ["html", "json"])
def test_check__facts_changed__says_so(world: World, incident: Incident, tmp_path: Path, form: str) -> None:
    text = _take(sign_in(Role.AUDITOR), world.release, form)

    code, _out, err = _check(tmp_path / "d", text.replace('"taken_seconds": 7200', '"taken_seconds": 1200'))

    assert code == 1
    assert "The facts were changed" in err


def test_check__text_around_the_facts_changed__says_so(world: World, incident: Incident, tmp_path: Path) -> None:
    client = sign_in_as(make_person(Role.AUDITOR, language="en"))
    text = _take(client, world.release, "html")
    assert "restored too late" in text

    code, _out, err = _check(tmp_path / "d", text.replace("restored too late", "restored in time"))

    assert code == 1
    assert "the text around them" in err


def test_check__facts_and_hash_changed_together__were_never_given_out(
    world: World, incident: Incident, tmp_path: Path
) -> None:
    content = json.loads(_take(sign_in(Role.AUDITOR), world.release, "json"))
    content["facts"]["incidents"] = []
    content["sha256"] = hash_content(content["facts"])

    code, _out, err = _check(tmp_path / "d", json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1) + "\n")

    assert code == 1
    assert "never gave out" in err
    assert "changed" not in err


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("change", ["by", "at", "naive"])
def test_check__who_took_it_changed__says_so(
    world: World, incident: Incident, tmp_path: Path, form: str, change: str
) -> None:
    given = read_file(_take(sign_in(Role.AUDITOR), world.release, form))
    changes: dict[str, dict[str, Any]] = {
        "by": {"by": "The director"},
        "at": {"at": given.made.at - timedelta(days=1)},
        "naive": {"at": given.made.at.replace(tzinfo=None)},
    }
    forged = {"html": write_html, "json": write_json}[form](given.facts, made=replace(given.made, **changes[change]))

    code, out, err = _check(tmp_path / "d", forged)

    assert (code, "Trust the facts, not who took them" in err) == (1, True)
    assert "a-auditor" in out


@pytest.mark.parametrize("text", ["", "{}", "[]", "<html></html>", '{"facts": 1}'])
def test_check__no_dossier__is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        _check(tmp_path / "d", text)

    assert refused.value.code == "dossier_unreadable"


def test_note__by_a_program__is_refused(world: World) -> None:
    with pytest.raises(InvalidInput) as refused:
        note_dossier(release_id=world.release.pk, sha256="0" * 64, actor=SCHEDULER, now=NOW)

    assert refused.value.code == "dossier_needs_person"
