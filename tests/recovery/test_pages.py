"""The pages of recovery, as people use them."""

import re
from typing import Any

import pytest
from django.utils.translation import override

from core.roles import Role
from recovery.domain.addresses import Address
from recovery.domain.lifecycle import Kind
from recovery.driving import drive
from recovery.models import Operation, RestorePoint, Target
from recovery.queries import list_pressing
from recovery.templatetags.recovery import say_about, say_seconds
from tests.recovery.operations import do, take
from tests.recovery.shop import ask, sell
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

FORM: dict[str, Any] = {
    "key": "lyon",
    "name": "Lyon",
    "database": "env:TARGET_LYON_URL",
    "compose_file": "docker-compose.yml",
    "kept_points": "7",
    "rto_seconds": "300",
    "reason": "first target",
}


def test_new__a_database_alone__is_there(target: Target) -> None:
    client = sign_in(Role.ADMIN)

    answer = client.post("/recovery/targets/new/", FORM | {"environment": target.environment_id})

    assert answer.status_code == 302
    made = Target.objects.get(key="lyon")
    assert made.database == "env:TARGET_LYON_URL"
    assert made.history.get().history_change_reason == "first target"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("database", "postgres://u:p@h/d", "env:TARGET_"),
        ("database", "env:SECRET_KEY", "env:TARGET_"),
        ("database", "file:../etc/passwd", "env:TARGET_"),
        ("receipts", "tickets; drop", "table.column"),
        ("folder", "/srv/../etc", "without steps up"),
        ("folder", "srv", "without steps up"),
        ("host", "ssh://-oProxyCommand=x", "ssh://user@host:port"),
        ("health_url", "file:///etc/passwd", "http or https"),
        ("smoke", "say 'it", "quotation mark"),
        ("database", "", "a compose project, or both"),
    ],
)
def test_new__what_cannot_be_right__is_told_beside_the_field(target: Target, field: str, value: str, said: str) -> None:
    client = sign_in(Role.ADMIN)

    answer = client.post("/recovery/targets/new/", FORM | {"environment": target.environment_id, field: value})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Target.objects.filter(key="lyon").exists()


@pytest.mark.parametrize("source", ["env:TARGET_SHOP_URL", "env:TARGET_LYON_URL"])
def test_new__another_target_has_this_database__is_told_beside_the_field(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    host = "localhost" if shop.host != "localhost" else "127.0.0.1"
    monkeypatch.setenv("TARGET_LYON_URL", f"postgres://other:word@{host}:{shop.port}/{shop.name}")
    client = sign_in(Role.ADMIN)

    answer = client.post("/recovery/targets/new/", FORM | {"environment": target.environment_id, "database": source})

    assert answer.status_code == 400
    assert "The target shop has this database already" in answer.content.decode()
    assert not Target.objects.filter(key="lyon").exists()


def test_edit__somebody_else_changed_it__is_refused(target: Target) -> None:
    client = sign_in(Role.ADMIN)
    form = FORM | {"environment": target.environment_id, "database": target.database}
    page = client.get("/recovery/targets/shop/edit/").content.decode()
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None
    assert client.post("/recovery/targets/shop/edit/", form | {"version": found[1]}).status_code == 302

    answer = client.post("/recovery/targets/shop/edit/", form | {"version": found[1], "name": "Mine"})

    assert answer.status_code == 409
    assert "Somebody else changed this" in answer.content.decode()


def test_take__from_the_page__becomes_a_restore_point_with_its_label(target: Target) -> None:
    client = sign_in(Role.RELEASE_MANAGER)

    answer = client.post("/recovery/targets/shop/take/", {"label": "before the fair", "reason": "to be sure"})

    operation = Operation.objects.get()
    assert answer["Location"] == f"/recovery/operations/{operation.pk}/"
    assert "waits for a worker" in client.get(answer["Location"]).content.decode()
    drive(operation.pk)
    page = client.get(answer["Location"]).content.decode()
    assert "✓ done" in page
    assert "to be sure" in page
    assert RestorePoint.objects.get().label == "before the fair"
    assert "before the fair" in client.get("/recovery/targets/shop/").content.decode()
    listed = client.get("/recovery/").content.decode()
    assert "Can we roll back now?" in listed
    assert "◐ probably" in listed


def test_roll_back__from_the_page__shows_what_is_lost_and_waits(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 3)
    client = sign_in(Role.RELEASE_MANAGER)

    answer = client.post("/recovery/targets/shop/roll-back/", {"point": point.pk, "reason": "wrong totals"})
    operation = Operation.objects.get(kind=Kind.ROLL_BACK)
    drive(operation.pk)

    page = client.get(answer["Location"]).content.decode()
    assert "6 rows written since the restore point would be lost" in page
    assert "<b>3 sales</b>" in page
    assert "21-23" in page
    assert "counted: 6 rows" in page
    assert ask(shop, "SELECT count(*) FROM tickets") == 23
    client.post(f"/recovery/operations/{operation.pk}/accept/", {"reason": "better than wrong"})
    drive(operation.pk)
    assert ask(shop, "SELECT count(*) FROM tickets") == 20
    page = client.get(answer["Location"]).content.decode()
    assert "accepted by" in page
    assert "better than wrong" in page
    assert "3 sales to enter again" in page
    assert f"shop/lost-{operation.pk}.jsonl.gz" in page
    assert "Next: the checklists" in page
    page = client.get("/recovery/targets/shop/").content.decode()
    assert f"{shop.name}_kept_{operation.pk}" in page


def test_operation__failed__says_what_to_do_and_is_resumed(
    target: Target, shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.delenv("TARGET_SHOP_URL")
        operation = do(target, Kind.TAKE)
    client = sign_in(Role.RELEASE_MANAGER)
    page = client.get(f"/recovery/operations/{operation.pk}/").content.decode()
    assert "The address is not in env:TARGET_SHOP_URL" in page

    client.post(f"/recovery/operations/{operation.pk}/resume/", {"reason": "set now"})
    drive(operation.pk)

    assert Operation.objects.get(pk=operation.pk).status == "succeeded"


def test_point__label_and_keep__are_kept(target: Target) -> None:
    point = take(target)
    client = sign_in(Role.RELEASE_MANAGER)
    address = f"/recovery/targets/shop/points/{point.pk}/"
    page = client.get(address).content.decode()
    assert "public.tickets" in page
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found is not None

    client.post(address, {"label": "fair", "is_kept": "on", "reason": "audit", "version": found[1]})

    point.refresh_from_db()
    assert (point.label, point.is_kept) == ("fair", True)


def test_support__sees_but_does_nothing(target: Target) -> None:
    point = take(target)
    client = sign_in(Role.SUPPORT)

    page = client.get("/recovery/targets/shop/").content.decode()

    assert "Roll back" not in page
    assert client.post("/recovery/targets/shop/take/", {"reason": "x"}).status_code == 403
    assert client.post("/recovery/targets/shop/verify/", {"reason": "x", "point": point.pk}).status_code == 403


def test_list__two_targets_or_ten__take_the_same_queries(
    target: Target, django_assert_num_queries: Any, folders: object
) -> None:
    from tests.recovery.operations import make_target

    client = sign_in(Role.RELEASE_MANAGER)
    make_target(target.environment, key="two")
    client.get("/recovery/")
    with django_assert_num_queries(_count(client, "/recovery/")):
        client.get("/recovery/")
    few = _count(client, "/recovery/")
    for number in range(8):
        make_target(target.environment, key=f"more-{number}")

    assert _count(client, "/recovery/") == few


def _count(client: Any, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_taken__what_can_only_be_refused__is_not_offered(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 1)
    waiting = do(target, Kind.ROLL_BACK, restore_point=point.pk)
    client = sign_in(Role.RELEASE_MANAGER)

    for address in ("/recovery/", "/recovery/targets/shop/"):
        page = client.get(address).content.decode()
        assert "An operation waits for your answer." in page
        assert f"/recovery/operations/{waiting.pk}/" in page
        assert "/recovery/targets/shop/roll-back/" not in page
        assert "/recovery/targets/shop/take/" not in page
    refused = client.post("/recovery/targets/shop/take/", {"reason": "now"})
    assert refused.status_code == 409
    assert f"Operation {waiting.pk} has the target Shop" in refused.content.decode()
    assert f'href="/recovery/operations/{waiting.pk}/"' in refused.content.decode()


def test_waiting__who_may_not_answer__reads_for_whom_it_waits(target: Target, shop: Address) -> None:
    point = take(target)
    sell(shop, 1)
    waiting = do(target, Kind.ROLL_BACK, restore_point=point.pk)

    page = sign_in(Role.SUPPORT).get(f"/recovery/operations/{waiting.pk}/").content.decode()

    assert "waits for a release manager" in page
    assert "waits for your answer" not in page


def test_roll_back__only_the_database_can_go_back__its_newest_point_is_chosen(target: Target) -> None:
    take(target)
    newest = take(target)

    page = sign_in(Role.RELEASE_MANAGER).get("/recovery/targets/shop/roll-back/").content.decode()

    assert f'<option value="{newest.pk}" selected>' in page
    assert "Accept the loss without asking me again" in page


def test_deploy__no_compose_project__says_so_instead_of_a_form(target: Target) -> None:
    client = sign_in(Role.RELEASE_MANAGER)

    for page in ("deploy", "rehearse"):
        told = client.get(f"/recovery/targets/shop/{page}/").content.decode()
        assert "It has no compose project" in told
        assert 'name="version"' not in told
    assert "No compose project: nothing is deployed" in client.get("/recovery/targets/shop/").content.decode()


@pytest.mark.parametrize(
    ("seconds", "told"), [(3.21, "3.2 s"), (59.96, "1 min"), (125, "2 min 5 s"), (300.0, "5 min"), (None, "")]
)
def test_say_seconds__as_people_say_it(seconds: float | None, told: str) -> None:
    assert say_seconds(seconds) == told


def test_say_seconds__in_french__has_its_comma() -> None:
    with override("fr"):
        assert say_seconds(3.21) == "3,2 s"
    assert say_about(7.6) == "8 s"


def test_dashboard__an_operation_that_waits__stands_on_top(
    target: Target, shop: Address, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert list_pressing() == []
    point = take(target)
    sell(shop, 1)
    waiting = do(target, Kind.ROLL_BACK, restore_point=point.pk)

    page = sign_in(Role.RELEASE_MANAGER).get("/").content.decode()

    assert f"/recovery/operations/{waiting.pk}/" in page
    assert "❚❚ waits for your answer" in page
    with django_assert_num_queries(1):
        assert [one.target.name for one in list_pressing()] == ["Shop"]
    assert "waits for a release manager" in sign_in(Role.SUPPORT).get("/").content.decode()
