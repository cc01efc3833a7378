"""Restore points: taken, read to the last byte, stored, kept, expired."""

import json
from pathlib import Path

import pyrage
import pytest
from django.db import connection
from django.test import override_settings

from core.errors import Refusal
from recovery.databases.identity import check_not_ours
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.errors import Failure
from recovery.jobs import Job
from recovery.models import Operation, RestorePoint, Target
from recovery.procedures.taking import store_dump
from recovery.transitions.asking import ask_operation, resume_operation
from tests.recovery.operations import BY, NOW, do, take
from tests.recovery.shop import sell

pytestmark = pytest.mark.django_db


def _stored(folders: Path, point: RestorePoint) -> Path:
    return folders / "points" / point.file


def test_take__a_database__is_verified_and_stored(target: Target, folders: Path) -> None:
    point = take(target, label="before 1.3")

    assert (point.status, point.label) == ("verified", "before 1.3")
    assert _stored(folders, point).stat().st_size == point.size_bytes
    assert _stored(folders, point).stat().st_mode & 0o777 == 0o600
    assert point.manifest["tables"]["public.tickets"]["rows"] == 20
    assert list((folders / "work").iterdir()) == []
    steps = point.operation.steps.values_list("code", "status")
    assert {status for _code, status in steps} == {"done"}


def test_take__what_it_did__is_in_its_history(target: Target) -> None:
    point = take(target)

    figures = point.operation.history.first().state["steps"]
    assert [one["code"] for one in figures] == ["check_database", "dump", "decode", "store", "expire"]
    assert figures[1]["proof"]["sha256"] == point.sha256


def test_take__wrong_password__says_so_and_resumes_once_mended(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TARGET_SHOP_URL", f"postgres://{shop.user}:wrong-one@{shop.host}:{shop.port}/{shop.name}")

    operation = do(target, Kind.TAKE)

    assert (operation.status, operation.failure["code"]) == ("failed", "database_refused")
    assert "wrong-one" not in json.dumps(operation.failure)
    assert not RestorePoint.objects.exists()


def test_take__the_portals_own_database__is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    own = connection.settings_dict
    url = f"postgres://{own['USER']}:{own['PASSWORD']}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    monkeypatch.setenv("TARGET_SHOP_URL", url)

    assert do(target, Kind.TAKE).failure["code"] == "database_is_the_portals"


def test_take__the_portals_own_database_under_another_name__is_refused(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = connection.settings_dict
    host = "localhost" if own["HOST"] != "localhost" else "127.0.0.1"
    url = f"postgres://{own['USER']}:{own['PASSWORD']}@{host}:{own['PORT']}/{own['NAME']}"
    monkeypatch.setenv("TARGET_SHOP_URL", url)

    assert do(target, Kind.TAKE).failure["code"] == "database_is_the_portals"


def test_check__a_server_that_does_not_say_who_it_is__is_judged_by_its_tables(
    shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = connection.settings_dict
    ours = Address("localhost", int(own["PORT"]), own["USER"], own["PASSWORD"], own["NAME"])
    monkeypatch.setattr("recovery.databases.identity._find_identity", lambda _session: None)

    check_not_ours(shop)
    with pytest.raises(Failure) as caught:
        check_not_ours(ours)

    assert caught.value.code == "database_is_the_portals"


def test_take__with_a_key__is_an_age_file_that_only_the_key_opens(target: Target, folders: Path) -> None:
    identity = pyrage.x25519.Identity.generate()
    (folders / "key").write_text(f"# a comment\n{identity}\n")

    with override_settings(RECOVERY_KEY_FILE=str(folders / "key")):
        point = take(target)
        checked = do(target, Kind.VERIFY, restore_point=point.pk)

    content = _stored(folders, point).read_bytes()
    assert point.is_encrypted
    assert content.startswith(b"age-encryption.org/v1")
    assert len(pyrage.decrypt(content, [identity])) == point.size_bytes
    assert checked.status == "succeeded"
    assert do(target, Kind.VERIFY, restore_point=point.pk).failure["code"] == "key_missing"


@pytest.mark.parametrize("harm", ["truncated", "flipped", "gone"])
def test_verify__a_file_that_was_harmed__is_found_broken(target: Target, folders: Path, harm: str) -> None:
    point = take(target)
    file = _stored(folders, point)
    content = bytearray(file.read_bytes())
    if harm == "gone":
        file.unlink()
    else:
        content[len(content) // 2] ^= 1
        file.write_bytes(content[:-1] if harm == "truncated" else content)

    operation = do(target, Kind.VERIFY, restore_point=point.pk)

    point.refresh_from_db()
    assert operation.failure["code"] == ("stored_gone" if harm == "gone" else "stored_wrong")
    assert point.status == "broken"


def test_take__more_than_are_kept__the_oldest_go_with_their_files(target: Target, folders: Path) -> None:
    target.kept_points = 2
    Target.objects.filter(pk=target.pk).update(kept_points=2)

    points = [take(target) for _ in range(4)]

    statuses = [RestorePoint.objects.get(pk=point.pk).status for point in points]
    assert statuses == ["expired", "expired", "verified", "verified"]
    assert [_stored(folders, point).exists() for point in points] == [False, False, True, True]


def test_take__an_expired_file_could_not_be_deleted__it_goes_with_the_next_one(
    target: Target, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Target.objects.filter(pk=target.pk).update(kept_points=1)
    target.refresh_from_db()
    first = take(target)

    def fail(_name: str) -> None:
        raise Failure("storage_failed")

    with monkeypatch.context() as patched:
        patched.setattr("recovery.storage.remove", fail)
        operation = do(target, Kind.TAKE)
    assert (operation.status, operation.failure["code"]) == ("failed", "storage_failed")
    assert _stored(folders, first).exists()

    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    assert not _stored(folders, first).exists()
    first.refresh_from_db()
    assert (first.status, first.file) == ("expired", "")


def test_store__again_after_a_kill__leaves_no_plain_dump_and_remembers_the_point(target: Target) -> None:
    point = take(target)
    job = Job(point.operation_id, target, wish={}, state={})
    job.work_file.write_bytes(b"the plain dump")

    proof = store_dump(job)

    assert (proof["file"], proof["restore_point"]) == (point.file, point.pk)
    assert job.state == {"restore_point": point.pk}
    assert not job.work_file.exists()


def test_take__its_dump_is_broken__is_taken_anew_on_resuming(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object, **_named: object) -> None:
        raise Failure("dump_broken")

    with monkeypatch.context() as patched:
        patched.setattr("recovery.procedures.taking.decode", fail)
        operation = do(target, Kind.TAKE)
    assert RestorePoint.objects.get().status == "broken"

    resume_operation(operation_id=operation.pk, now=NOW, **BY)
    drive(operation.pk)

    operation.refresh_from_db()
    assert (operation.status, RestorePoint.objects.get().status) == ("succeeded", "verified")


def test_take__two_at_once__the_second_is_refused(target: Target) -> None:
    ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)

    with pytest.raises(Refusal) as caught:
        ask_operation(kind=Kind.TAKE, target_id=target.pk, wish={}, now=NOW, **BY)

    assert caught.value.code == "target_taken"
    assert Operation.objects.count() == 1


def test_take__no_room__is_told_before_anything_is_done(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recovery.storage.find_free_bytes", lambda: 1_000)

    operation = do(target, Kind.TAKE)

    assert operation.failure["code"] == "disk_full_before"
    assert operation.failure["data"]["free_bytes"] == 1_000
    assert not RestorePoint.objects.exists()


def test_take__the_disk_fills_up_while_it_is_written__is_told(
    target: Target, shop: Address, folders: Path, small_disk: Path
) -> None:
    sell(shop, 60_000)

    with override_settings(RECOVERY_WORK_DIR=small_disk):
        operation = do(target, Kind.TAKE)

    assert operation.failure["code"] in {"disk_full", "disk_full_before"}
    assert list(small_disk.glob("*")) == []
