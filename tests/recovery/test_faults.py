"""What is outside fails: production stays as it was, the operation says so, and goes on once it is mended."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from core import clock
from core.errors import Refusal
from recovery.commands import compose
from recovery.commands.compose import Project
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive, drive_due, hold, list_due
from recovery.models import Operation, Target
from recovery.transitions.asking import ask_operation, resume_operation
from tests.factories.flags import make_environment
from tests.recovery.engine import Engine
from tests.recovery.operations import BY, NOW, VARIABLE, do, make_target, take, url_of
from tests.recovery.shop import ask, sell
from tests.waiting import race


@pytest.mark.django_db
def test_database__does_not_answer__is_tried_again_by_itself(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv(VARIABLE, url_of(Address(shop.host, 1, shop.user, shop.password, shop.name)))
        operation = do(target, Kind.TAKE)
    assert (operation.status, operation.failure["code"]) == ("running", "database_unreachable")
    assert operation.next_attempt_at is not None
    assert list_due(now=clock.now()) == []

    with time_machine.travel(operation.next_attempt_at + timedelta(seconds=1)):
        assert drive_due() == 1

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure


@pytest.mark.django_db
def test_database__does_not_answer_for_long__waits_for_a_person(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, url_of(Address(shop.host, 1, shop.user, shop.password, shop.name)))
    operation = do(target, Kind.TAKE)

    for _attempt in range(4):
        operation.refresh_from_db()
        assert operation.next_attempt_at is not None
        with time_machine.travel(operation.next_attempt_at + timedelta(seconds=1)):
            drive(operation.pk)

    operation.refresh_from_db()
    assert (operation.status, operation.failure["code"]) == ("failed", "database_unreachable")


@pytest.mark.django_db
def test_storage__the_restore_point_is_harmed_meanwhile__production_is_untouched(
    target: Target, shop: Address, folders: Path
) -> None:
    point = take(target)
    good = take(target)
    sell(shop, 1)
    file = folders / "points" / point.file
    content = bytearray(file.read_bytes())
    content[-10] ^= 1
    file.write_bytes(content)

    operation = do(target, Kind.ROLL_BACK, restore_point=point.pk, accepts_losses=True)

    assert operation.failure["code"] == "stored_wrong"
    assert ask(shop, "SELECT count(*) FROM tickets") == 21
    resume_operation(operation_id=operation.pk, point_id=good.pk, now=NOW, **BY)
    drive(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    assert ask(shop, "SELECT count(*) FROM tickets") == 20


@pytest.fixture
def till(project: Project, shop: Address, folders: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv(VARIABLE, url_of(shop))
    return make_target(
        make_environment(key="prod"),
        folder=project.folder,
        project=project.name,
        service="till",
        command_service="once",
        image_variable="TILL_IMAGE",
    )


@pytest.mark.django_db
def test_engine__gone_at_a_rollback__touches_nothing_and_goes_on_when_it_is_back(
    till: Target, images: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert do(till, Kind.DEPLOY, version="1.2.0", image=images["1.2.0"]).status == "succeeded"
    assert do(till, Kind.DEPLOY, version="1.3.0", image=images["1.3.0"]).status == "succeeded"
    with monkeypatch.context() as patched:
        patched.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
        operation = do(till, Kind.ROLL_BACK, image=images["1.2.0"])
    assert (operation.status, operation.failure["code"]) == ("running", "engine_unreachable")
    assert operation.next_attempt_at is not None

    with time_machine.travel(operation.next_attempt_at + timedelta(seconds=1)):
        drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure


@pytest.mark.django_db
def test_registry__gone_at_a_rollback__does_not_matter_for_an_image_that_is_kept(
    till: Target, images: dict[str, str], engine: Engine, project: Project
) -> None:
    do(till, Kind.DEPLOY, version="1.2.0", image=images["1.2.0"])
    # The engine holds it by its digest: nobody is asked.
    assert compose.pull_image(project.host, images["1.2.0"]) == compose.find_image(project.host, images["1.2.0"])

    operation = do(till, Kind.DEPLOY, version="2", image=f"127.0.0.1:1/till@sha256:{'1' * 64}")

    assert (operation.status, operation.failure["code"]) == ("running", "registry_unreachable")


@pytest.mark.django_db(transaction=True)
def test_two_people__begin_at_once__one_is_refused(target: Target) -> None:
    def begin() -> object:
        return ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)

    assert race(begin, begin) == "target_taken"
    assert Operation.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers__one_operation__the_second_lets_it_be(target: Target) -> None:
    operation = ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)

    with hold(operation.pk) as is_held:
        assert is_held
        assert drive(operation.pk) is False

    assert drive(operation.pk) is True


@pytest.mark.django_db
def test_operation__while_one_waits_for_a_person__the_target_is_taken(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 1)
    waiting = do(target, Kind.ROLL_BACK, restore_point=point.pk)
    assert waiting.status == "waiting"

    with pytest.raises(Refusal) as caught:
        do(target, Kind.TAKE)

    assert caught.value.data["operation"] == waiting.pk
