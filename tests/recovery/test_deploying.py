"""A release is deployed on a real engine over another one, and taken back with its database, within one story."""

from pathlib import Path

import pytest

from recovery.commands import compose
from recovery.commands.compose import Project
from recovery.commands.probing import ask as ask_health
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.errors import Failure
from recovery.models import Deployment, Operation, Target
from recovery.transitions.asking import resume_operation
from recovery.transitions.wishes import find_previous_image
from tests.factories.flags import make_environment
from tests.recovery.engine import Engine
from tests.recovery.operations import BY, NOW, VARIABLE, do, make_target, url_of
from tests.recovery.shop import ask, sell

pytestmark = pytest.mark.django_db


@pytest.fixture
def till(project: Project, shop: Address, folders: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    monkeypatch.setenv(VARIABLE, url_of(shop))
    port = project.name.removeprefix("till")
    return make_target(
        make_environment(key="prod"),
        folder=project.folder,
        project=project.name,
        service="till",
        command_service="once",
        image_variable="TILL_IMAGE",
        migrate=["migrate"],
        smoke=["smoke"],
        health_url=f"http://127.0.0.1:{port}/health",
        receipts="tickets.number",
    )


def _deploy(till: Target, images: dict[str, str], version: str) -> Operation:
    return do(till, Kind.DEPLOY, version=version, image=images[version])


def test_deploy__a_release__is_live_with_its_restore_point(till: Target, images: dict[str, str]) -> None:
    operation = _deploy(till, images, "1.2.0")

    assert operation.status == "succeeded", operation.failure
    deployment = Deployment.objects.get()
    assert deployment.live_at is not None
    assert deployment.restore_point is not None
    assert deployment.restore_point.status == "verified"
    assert ask_health(till.health_url).body == "1.2.0"
    migrated = operation.steps.get(code="migrate")
    assert migrated.proof["said"] == "migrated to 1.2.0"


def test_story__deployed_sold_and_taken_back__application_and_database_are_as_before(
    till: Target, shop: Address, images: dict[str, str], project: Project
) -> None:
    _deploy(till, images, "1.2.0")
    _deploy(till, images, "1.3.0")
    newest = Deployment.objects.first()
    assert newest is not None
    assert (newest.previous_version, newest.previous_image) == ("1.2.0", images["1.2.0"])
    assert newest.restore_point is not None
    sell(shop, 4)

    back = do(
        till,
        Kind.ROLL_BACK,
        image=newest.previous_image,
        restore_point=newest.restore_point.pk,
        accepts_losses=True,
    )

    assert back.status == "succeeded", back.failure
    assert ask_health(till.health_url).body == "1.2.0"
    assert compose.find_running_image(project) == compose.find_image(project.host, images["1.2.0"])
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    assert back.state["losses"]["receipts"] == [[21, 24]]
    sell(shop, 1)
    assert ask(shop, "SELECT max(number) FROM tickets") == 25
    newest.refresh_from_db()
    assert newest.rolled_back_at is not None


def test_roll_back__the_application_alone__leaves_the_database(
    till: Target, shop: Address, images: dict[str, str]
) -> None:
    _deploy(till, images, "1.2.0")
    _deploy(till, images, "1.3.0")
    sell(shop, 4)

    back = do(till, Kind.ROLL_BACK, image=images["1.2.0"])

    assert back.status == "succeeded", back.failure
    assert ask_health(till.health_url).body == "1.2.0"
    assert ask(shop, "SELECT count(*) FROM tickets") == 24


def test_deploy__the_migration_fails__the_old_version_runs_on(till: Target, images: dict[str, str]) -> None:
    _deploy(till, images, "1.2.0")
    Target.objects.filter(pk=till.pk).update(migrate=["fail"])

    operation = _deploy(till, images, "1.3.0")

    assert (operation.status, operation.failure["code"]) == ("failed", "migrate_failed")
    assert ask_health(till.health_url).body == "1.2.0"
    assert Deployment.objects.filter(live_at=None).count() == 1


def test_deploy__resumed_after_it_was_put_back__is_live_only_where_the_release_runs(
    till: Target, images: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _deploy(till, images, "1.2.0")
    with monkeypatch.context() as unwell:
        unwell.setattr("recovery.commands.probing.watch", lambda *_given, **_named: None)
        operation = _deploy(till, images, "1.3.0")
    assert (operation.status, operation.failure["code"]) == ("failed", "application_unwell")
    assert ask_health(till.health_url).body == "1.2.0"
    # It left nothing: going back from here leads behind 1.2.0, not to what runs.
    assert find_previous_image(till) == ""

    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert operation.status == "succeeded", operation.failure
    assert ask_health(till.health_url).body == "1.3.0"
    assert find_previous_image(till) == images["1.2.0"]


def test_deploy__an_image_nobody_has__touches_nothing(till: Target, engine: Engine, images: dict[str, str]) -> None:
    _deploy(till, images, "1.2.0")

    operation = do(till, Kind.DEPLOY, version="9.9", image=f"{engine.registry}/till@sha256:{'0' * 64}")

    assert operation.failure["code"] == "image_unknown"
    assert ask_health(till.health_url).body == "1.2.0"


def test_roll_back__what_was_restored_is_wrong__the_application_was_never_stopped(
    till: Target, shop: Address, folders: Path, images: dict[str, str]
) -> None:
    _deploy(till, images, "1.2.0")
    (folders / "checks").mkdir()
    (folders / "checks" / "never.sql").write_text("SELECT 1")
    Target.objects.filter(pk=till.pk).update(checks_folder=str(folders / "checks"))
    newest = Deployment.objects.get()

    back = do(till, Kind.ROLL_BACK, restore_point=newest.restore_point_id, accepts_losses=True)

    assert back.failure["code"] == "validation_failed"
    assert ask_health(till.health_url).body == "1.2.0"


def test_roll_back__fails_between_the_stop_and_the_swap__the_application_runs_again(
    till: Target, shop: Address, images: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise Failure("disk_full")

    _deploy(till, images, "1.2.0")
    sell(shop, 2)
    newest = Deployment.objects.get()
    with monkeypatch.context() as patched:
        patched.setattr("recovery.procedures.restoring.read_lost_rows", fail)
        back = do(till, Kind.ROLL_BACK, restore_point=newest.restore_point_id, accepts_losses=True)

    assert (back.status, back.failure["step"]) == ("failed", "archive")
    assert ask_health(till.health_url).body == "1.2.0"
    sell(shop, 1)

    resume_operation(operation_id=back.pk, now=NOW, **BY)
    drive(back.pk)

    back.refresh_from_db()
    assert back.status == "succeeded", back.failure
    assert back.state["losses"]["receipts"] == [[21, 23]]
