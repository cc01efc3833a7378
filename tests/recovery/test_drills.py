"""Drills: what would be done on the worst day, and nobody notices."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from core import clock
from core.errors import Refusal
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.domain.variables import name_variable
from flags.models import Environment, Flag, FlagState
from flags.queries import get_revisions
from flags.transitions.switching import kill_flag
from notifications.models import Event
from recovery import tasks
from recovery.databases.sessions import open_maintenance
from recovery.domain.addresses import Address
from recovery.domain.drills import FlagResult, TargetResult, find_missed_month, is_due, is_passed, sum_rollback
from recovery.domain.lifecycle import Kind
from recovery.drill_queries import list_missed
from recovery.drilling.driving import PATIENCE, drive_drill
from recovery.drilling.flags import exercise_flags
from recovery.driving import drive
from recovery.models import Drill, Operation, Target
from recovery.queries import measure_progress
from recovery.readiness_queries import list_lights
from recovery.transitions.asking import ask_operation
from recovery.transitions.drilling import begin_drill, tell_missed
from tests.digest import take_digest
from tests.factories.flags import make_environment, make_flag, make_rule
from tests.recovery.operations import BY, NOW, take
from tests.recovery.shop import ask, list_beside, sell
from tests.signed_in import sign_in


def _drill(environment: Environment) -> Drill:
    """Begin a drill and bring it to its end."""
    drill = begin_drill(environment=environment, now=NOW, **BY)
    for _round in range(3):
        drive_drill(drill.pk)
        for operation in drill.operations.all():
            drive(operation.pk)
    drill.refresh_from_db()
    return drill


@pytest.mark.parametrize(
    ("local_now", "last_on", "expected"),
    [
        (datetime(2026, 11, 2, 4, tzinfo=UTC), None, True),
        (datetime(2026, 11, 2, 3, 59, tzinfo=UTC), None, False),
        (datetime(2026, 11, 1, 23, tzinfo=UTC), None, False),
        (datetime(2026, 11, 27, 0, tzinfo=UTC), date(2026, 10, 2), True),
        (datetime(2026, 11, 27, 12, tzinfo=UTC), date(2026, 11, 1), False),
        (datetime(2027, 1, 3, 5, tzinfo=UTC), date(2026, 12, 31), True),
    ],
)
def test_due__once_a_month__from_its_day_and_hour(local_now: datetime, last_on: date | None, expected: bool) -> None:
    assert is_due(local_now=local_now, last_on=last_on, day=2, hour=4) is expected


@pytest.mark.parametrize(
    ("known_since", "passed_on", "expected"),
    [
        (date(2026, 9, 30), [], date(2026, 10, 1)),
        (date(2026, 10, 1), [], date(2026, 10, 1)),
        (date(2026, 10, 2), [], None),
        (date(2026, 1, 1), [date(2026, 10, 31)], None),
        (date(2026, 1, 1), [date(2026, 11, 1), date(2026, 9, 30)], date(2026, 10, 1)),
    ],
)
def test_missed__a_whole_month_without_one_that_passed__is_named(
    known_since: date, passed_on: list[date], expected: date | None
) -> None:
    assert find_missed_month(today=date(2026, 11, 27), known_since=known_since, passed_on=passed_on) == expected


def test_passed__one_thing_is_not_good__fails_it() -> None:
    flag = FlagResult("a", is_off=True, is_on=True, is_back=True, off_ms=20)
    target = TargetResult("shop", "", 12.0, 300)

    assert is_passed([flag], [target])
    assert not is_passed([FlagResult("a", is_off=True, is_on=True, is_back=True, off_ms=5_001)], [target])
    assert not is_passed([FlagResult("a", is_off=False, is_on=True, is_back=True, off_ms=1)], [])
    assert is_passed([FlagResult("a", is_off=False, is_on=False, is_back=False, off_ms=1, is_forced=True)], [])
    assert not is_passed([flag], [TargetResult("shop", "", 300.5, 300)])
    assert not is_passed([flag], [TargetResult("shop", "no_point", None, 300)])
    assert not is_passed([], [])


def test_sum__of_a_drill__is_what_a_rollback_has_alone() -> None:
    steps = [
        {"code": "restore", "seconds": 2.5},
        {"code": "drop_copy", "seconds": 9.0},
        {"code": "count", "seconds": 1},
    ]

    assert sum_rollback(steps) == 3.5
    assert sum_rollback([{"code": "swap", "seconds": None}]) is None


def _make_flags(environment: Environment) -> list[Flag]:
    names = {"buttons": "Buttons of prices"}
    flags = [make_flag(key=key, name=names.get(key, key)) for key in ("buttons", "tickets", "signals")]
    make_rule(flags[0], environment, RuleAudience.everyone())
    FlagState.objects.filter(flag=flags[0]).update(is_on=True)
    kill_flag(flag_id=flags[2].pk, environment_id=environment.pk, now=NOW, **BY)
    return flags


@pytest.mark.django_db(transaction=True)
def test_flags__each_off_and_on__and_nothing_is_left() -> None:
    environment = make_environment(key="prod")
    _make_flags(environment)
    before, revisions = take_digest(), get_revisions()

    results = exercise_flags(environment, now=NOW)

    assert [(one.key, one.is_good) for one in results] == [("buttons", True), ("signals", True), ("tickets", True)]
    assert (take_digest(), get_revisions()) == (before, revisions)
    assert FlagState.objects.get(flag__key="signals").is_killed


@pytest.mark.django_db
def test_flags__the_kill_switch_would_not_work__is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = make_environment(key="prod")
    _make_flags(environment)
    monkeypatch.setattr("recovery.drilling.flags.kill_flag", lambda **_given: True)

    results = exercise_flags(environment, now=NOW)

    assert {one.key: one.is_off for one in results if one.key == "buttons"} == {"buttons": False}
    assert not results[0].is_good


@pytest.mark.django_db
def test_flags__a_variable_decides__is_told_and_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = make_environment(key="prod")
    _make_flags(environment)
    monkeypatch.setenv(name_variable(environment_key="prod", flag_key="buttons"), "off")

    results = {one.key: one for one in exercise_flags(environment, now=NOW)}

    assert results["buttons"].is_forced
    assert results["buttons"].is_good


@pytest.mark.django_db
def test_drill__of_an_environment_with_a_database__passes_and_leaves_nothing(target: Target, shop: Address) -> None:
    _make_flags(target.environment)
    take(target)
    sell(shop, 3)

    drill = _drill(target.environment)

    assert drill.status == "passed", drill.report
    tried = drill.report["flags"]
    assert (tried["tried"], tried["forced"], tried["failed"]) == (3, [], [])
    told = drill.report["targets"][0]
    assert (told["key"], told["fault"], told["is_in_time"]) == ("shop", "", True)
    assert told["rows"] > 40
    operation = Operation.objects.get(kind=Kind.DRILL)
    assert operation.is_exercise
    assert operation.steps.get(code="count").proof == {"rows": 6}
    assert ask(shop, "SELECT count(*) FROM tickets") == 23
    with open_maintenance(shop) as session:
        assert list_beside(session, shop) == [shop.name]
    light = list_lights(environment_id=target.environment_id, now=NOW)[0]
    assert light.facts.needed_seconds == told["seconds"]


@pytest.mark.django_db
def test_drill__before_the_first_rollback__tells_how_long_that_will_take(target: Target) -> None:
    point = take(target)
    wish = {"restore_point": point.pk, "accepts_losses": True}
    assert _drill(target.environment).status == "passed"

    rollback = ask_operation(kind=Kind.ROLL_BACK, target_id=target.pk, wish=wish, now=NOW, **BY)

    assert measure_progress(rollback, now=NOW).left_seconds is not None
    assert rollback.deadline_at == NOW + timedelta(seconds=target.rto_seconds)


@pytest.mark.django_db
def test_drill__nothing_to_go_back_to__fails_and_is_told(target: Target) -> None:
    sign_in(Role.RELEASE_MANAGER)

    drill = _drill(target.environment)

    assert drill.status == "failed"
    assert drill.report["targets"][0]["fault"] == "no_point"
    assert Event.objects.get(kind="drill_failed").url == f"/recovery/drills/{drill.pk}/"


@pytest.mark.django_db
def test_drill__the_restore_point_is_harmed__fails_and_the_target_is_free(target: Target, folders: Any) -> None:
    point = take(target)
    file = folders / "points" / point.file
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-10])

    drill = _drill(target.environment)

    assert drill.status == "failed"
    assert drill.report["targets"][0]["fault"] == "stored_wrong"
    drive(Operation.objects.get(kind=Kind.DRILL).pk)
    assert Operation.objects.get(kind=Kind.DRILL).status == "aborted"
    assert take(target).status == "verified"


@pytest.mark.django_db
def test_drill__too_slow__is_not_good_enough(target: Target) -> None:
    take(target)
    Target.objects.filter(pk=target.pk).update(rto_seconds=1)
    drill = begin_drill(environment=target.environment, now=NOW, **BY)
    drive_drill(drill.pk)
    operation = drill.operations.get()
    drive(operation.pk)
    operation.refresh_from_db()
    operation.state["steps"] = [{"code": "restore", "status": "done", "seconds": 1.5}]
    Operation.objects.filter(pk=operation.pk).update(state=operation.state)

    drive_drill(drill.pk)

    drill.refresh_from_db()
    assert drill.status == "failed"
    assert drill.report["targets"][0]["is_in_time"] is False


@pytest.mark.django_db
def test_drill__its_target_is_taken_for_long__ends_without_it(target: Target) -> None:
    point = take(target)
    ask_operation(kind=Kind.VERIFY, target_id=target.pk, wish={"restore_point": point.pk}, now=NOW, **BY)
    drill = begin_drill(environment=target.environment, now=clock.now() - PATIENCE, **BY)

    assert drive_drill(drill.pk)

    drill.refresh_from_db()
    assert (drill.status, drill.report["targets"][0]["fault"]) == ("failed", "taken")
    assert "for half an hour" in sign_in(Role.SUPPORT).get(f"/recovery/drills/{drill.pk}/").content.decode()


@pytest.mark.django_db
def test_drill__its_target_is_taken__waits_for_it(target: Target) -> None:
    point = take(target)
    running = ask_operation(kind=Kind.VERIFY, target_id=target.pk, wish={"restore_point": point.pk}, now=NOW, **BY)
    drill = begin_drill(environment=target.environment, now=clock.now(), **BY)
    assert not drive_drill(drill.pk)
    assert not drill.operations.exists()
    page = sign_in(Role.RELEASE_MANAGER).get(f"/recovery/drills/{drill.pk}/").content.decode()
    assert f'href="/recovery/operations/{running.pk}/"' in page

    drive(running.pk)
    drive_drill(drill.pk)

    assert drill.operations.count() == 1


@pytest.mark.django_db
def test_drill__a_fire_breaks_out__it_gives_way_to_the_rollback(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 2)
    drill = begin_drill(environment=target.environment, now=NOW, **BY)
    drive_drill(drill.pk)
    exercise = drill.operations.get()
    wish = {"restore_point": point.pk, "accepts_losses": True}

    rollback = ask_operation(kind=Kind.ROLL_BACK, target_id=target.pk, wish=wish, now=NOW, **BY)
    drive(rollback.pk)
    drive(exercise.pk)
    drive_drill(drill.pk)

    rollback.refresh_from_db()
    exercise.refresh_from_db()
    drill.refresh_from_db()
    assert (rollback.status, exercise.status, drill.status) == ("succeeded", "aborted", "failed")
    assert exercise.history.filter(history_change_reason="Gave way to a rollback").exists()
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


@pytest.mark.django_db
def test_drill__its_application_is_away__nothing_else_touches_the_target(target: Target) -> None:
    wish = {"image": "a@sha256:" + "0" * 64, "current": "a@sha256:" + "1" * 64}
    drill = ask_operation(kind=Kind.DRILL, target_id=target.pk, wish=wish, now=NOW, is_exercise=True, **BY)
    Operation.objects.filter(pk=drill.pk).update(state={"is_touched": True})

    with pytest.raises(Refusal) as caught:
        ask_operation(kind=Kind.ROLL_BACK, target_id=target.pk, wish={}, now=NOW, **BY)

    assert caught.value.code == "target_taken"


@pytest.mark.django_db
def test_drill__its_application_is_still_there__gives_way(target: Target) -> None:
    wish = {"image": "a@sha256:" + "0" * 64, "current": "a@sha256:" + "1" * 64}
    drill = ask_operation(kind=Kind.DRILL, target_id=target.pk, wish=wish, now=NOW, is_exercise=True, **BY)

    ask_operation(kind=Kind.ROLL_BACK, target_id=target.pk, wish={}, now=NOW, **BY)

    drill.refresh_from_db()
    assert drill.status == "aborting"


@pytest.mark.django_db
def test_begin__another_one_runs_there__is_refused(target: Target) -> None:
    begin_drill(environment=target.environment, now=NOW, **BY)

    with pytest.raises(Refusal) as caught:
        begin_drill(environment=target.environment, now=NOW, **BY)

    assert caught.value.code == "drill_running"


@pytest.mark.django_db
def test_begin__nothing_to_try_there__is_refused_and_no_month_is_missed(time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 2, 9, tzinfo=UTC), tick=False)
    environment = make_environment(key="prod", is_production=True)

    with pytest.raises(Refusal) as caught:
        begin_drill(environment=environment, now=NOW, **BY)

    assert caught.value.code == "drill_of_nothing"
    assert tasks.begin_due_drills() == 0
    assert list(list_missed(now=NOW + timedelta(days=365))) == []


@pytest.mark.django_db
def test_month__due__is_begun_once_by_the_clock(target: Target, time_machine: Any) -> None:
    time_machine.move_to(datetime(2026, 11, 2, 9, tzinfo=UTC), tick=False)
    make_environment(key="quiet")

    assert tasks.begin_due_drills() == 1
    assert tasks.begin_due_drills() == 0
    drill = Drill.objects.get()
    assert (drill.environment, drill.is_scheduled) == (target.environment, True)


@pytest.mark.django_db
def test_month__went_by_without_one__alarms_once(target: Target, time_machine: Any) -> None:
    sign_in(Role.RELEASE_MANAGER)
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(history_date) FROM flags_historicalenvironment")
        made_at = cursor.fetchone()[0]
    later = datetime(made_at.year + 1, 3, 1, 9, tzinfo=UTC)
    time_machine.move_to(later, tick=False)

    assert tasks.warn_of_missed_drills() == 1
    assert tasks.warn_of_missed_drills() == 0
    event = Event.objects.get(kind="drill_missed")
    assert event.data["month"] == f"{later.year}-02-01"
    assert not tell_missed(target.environment, month=date(later.year, 2, 1), now=later)


@pytest.mark.django_db
def test_pages__begun_by_hand_and_looked_at__with_its_files(target: Target, shop: Address) -> None:
    _make_flags(target.environment)
    take(target)
    client = sign_in(Role.RELEASE_MANAGER)

    answer = client.post("/recovery/drills/start/prod/", {"reason": "before the <b>fair</b>\n# now"})

    drill = Drill.objects.get()
    assert answer["Location"] == f"/recovery/drills/{drill.pk}/"
    assert "EXERCISE" in client.get(answer["Location"]).content.decode()
    assert client.post("/recovery/drills/start/prod/", {"reason": "again"}).status_code == 400
    for _round in range(2):
        drive_drill(drill.pk)
        for operation in drill.operations.all():
            drive(operation.pk)
    page = client.get(f"/recovery/drills/{drill.pk}/").content.decode()
    assert "✓ passed" in page
    assert "<b>Buttons of prices</b>" in page
    markdown = client.get(f"/recovery/drills/{drill.pk}/report.md")
    assert markdown["Content-Disposition"] == f'attachment; filename="drill-{drill.pk}.md"'
    assert "# EXERCISE: drill" in markdown.content.decode()
    assert r"before the \<b\>fair\</b\> \# now" in markdown.content.decode()
    assert json.loads(client.get(f"/recovery/drills/{drill.pk}/report.json").content)["status"] == "passed"
    assert "shop" in client.get("/recovery/drills/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_command__start__follows_it_and_prints_the_report(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="not good enough"):
        call_command("drill", "start", "prod", "--reason", "to see")
    assert "| `shop` | no_point |" in capsys.readouterr().out
    take(target)

    call_command("drill", "start", "prod", "--reason", "again")

    assert "| `shop` | good |" in capsys.readouterr().out
    call_command("drill", "status")
    assert "prod: passed" in capsys.readouterr().out
    call_command("drill", "report", str(Drill.objects.first().pk), "--format", "json")  # type: ignore[union-attr]  # there are two
    assert json.loads(capsys.readouterr().out)["mark"] == "EXERCISE"
