"""The migrations of a release: described by pipelines and people, warned of before a deployment."""

import pytest

from core.actors import SCHEDULER, person
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.roles import Role
from recovery.domain.lifecycle import Kind, Status
from recovery.domain.reversals import Reversibility
from recovery.migration_queries import find_warnings, list_migrations
from recovery.models import Deployment, Operation, SchemaMigration, Target
from recovery.transitions.migrating import Declared, declare_migrations, note_rehearsal
from recovery.transitions.wishes import deploy, rehearse, roll_back
from tests.factories.core import make_person
from tests.recovery.operations import BY, NOW, take
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

IMAGE = f"127.0.0.1:5000/till@sha256:{'a' * 64}"
BEFORE = f"127.0.0.1:5000/till@sha256:{'b' * 64}"


@pytest.fixture
def till(target: Target) -> Target:
    Target.objects.filter(pk=target.pk).update(
        folder="/srv/till",
        project="till",
        service="till",
        image_variable="TILL_IMAGE",
        migrate=["migrate"],
        reverse=["migrate", "{name}"],
        database_variable="DATABASE_URL",
    )
    target.refresh_from_db()
    return target


def _declare(*migrations: Declared) -> list[SchemaMigration]:
    return declare_migrations(version="1.3.0", migrations=migrations, now=NOW, **BY)


def _rehearsed(till: Target, image: str = IMAGE) -> Operation:
    """A rehearsal that ended, as its driver leaves it."""
    with recorded(actor=SCHEDULER, reason="test", now=NOW):
        operation = Operation(
            kind=Kind.REHEARSE,
            target=till,
            status=Status.SUCCEEDED,
            wish={"version": "1.3.0", "image": image},
            asked_by="test",
            asked_at=NOW,
            ended_at=NOW,
        )
        operation.save()
    return operation


def test_declare__twice_the_same__writes_once_and_keeps_the_order() -> None:
    _declare(Declared("0004", "clean"), Declared("0003", "lossy", "migrate 0002"))
    rows = _declare(Declared("0004", "clean"), Declared("0003", "lossy", "migrate 0002"))

    assert [row.name for row in rows] == ["0004", "0003"]
    assert [row.history.count() for row in rows] == [1, 1]


def _declare_as_person(*migrations: Declared) -> list[SchemaMigration]:
    by = person(make_person(Role.RELEASE_MANAGER))
    return declare_migrations(version="1.3.0", migrations=migrations, actor=by, reason="test", now=NOW)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ([Declared("0003", "clean"), Declared("0004", "lossy")], "migration_made_better"),
        ([Declared("0003", ""), Declared("0004", "lossy")], "migration_made_better"),
        ([Declared("0004", "lossy")], "migration_kept"),
    ],
)
def test_declare__a_program_would_say_better__is_refused_whole(said: list[Declared], code: str) -> None:
    _declare(Declared("0003", "irreversible"), Declared("0004", "lossy"))

    with pytest.raises(Refusal) as caught:
        _declare(*said)

    assert caught.value.code == code
    assert [row.migration.declared for row in list_migrations("1.3.0")] == ["irreversible", "lossy"]


def test_declare__a_program_adds_and_says_worse__is_kept() -> None:
    first = [Declared("0003", "clean"), Declared("0004")]
    _declare(*first)

    rows = _declare(Declared("0003", "irreversible"), Declared("0004", "clean"), Declared("0005", "lossy"))

    assert [row.declared for row in rows] == ["irreversible", "clean", "lossy"]


def test_declare__what_a_person_said__is_a_persons_alone() -> None:
    _declare_as_person(Declared("0003", "", "by hand: 0002"))

    assert _declare(Declared("0003", "", "by hand: 0002"), Declared("0004"))
    with pytest.raises(Refusal) as changed:
        _declare(Declared("0003", "clean", "simply"), Declared("0004"))
    with pytest.raises(Refusal) as removed:
        _declare(Declared("0004"))

    assert (changed.value.code, removed.value.code) == ("migration_of_a_person", "migration_kept")
    assert [row.declared for row in _declare_as_person(Declared("0004", "clean"))] == ["clean"]


def test_declare__one_is_left_out__goes_unless_it_was_rehearsed(till: Target) -> None:
    _declare(Declared("0003"), Declared("0004"))
    note_rehearsal(
        operation_id=_rehearsed(till).pk,
        version="1.3.0",
        names=["0004"],
        found={"0004": Reversibility.CLEAN},
        gone={},
        now=NOW,
    )

    rows = _declare()

    assert [row.name for row in rows] == ["0004"]


@pytest.mark.parametrize(
    ("migrations", "code"),
    [
        ([Declared("a"), Declared("a")], "migrations_twice"),
        ([Declared("")], "migration_name_wrong"),
        ([Declared(" ")], "migration_name_wrong"),
        ([Declared("a\nb")], "migration_name_wrong"),
        ([Declared("a", "perhaps")], "migration_kind_wrong"),
        ([Declared("a", "", "x" * 3_000)], "reversal_too_long"),
        ([Declared(str(n)) for n in range(201)], "migrations_too_many"),
    ],
)
def test_declare__what_cannot_be__is_refused_whole(migrations: list[Declared], code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        declare_migrations(version="1.3.0", migrations=[Declared("good"), *migrations], now=NOW, **BY)

    assert caught.value.code == code
    assert list_migrations("1.3.0") == []


def test_deploy__nobody_rehearsed__is_refused_until_it_is_accepted(till: Target) -> None:
    with pytest.raises(Refusal) as caught:
        deploy(target=till, version="1.3.0", image=IMAGE, now=NOW, **BY)
    assert caught.value.code == "migrations_unrehearsed"

    operation = deploy(target=till, version="1.3.0", image=IMAGE, accepts_migrations=True, now=NOW, **BY)

    assert operation.kind == Kind.DEPLOY


def test_deploy__rehearsed_with_this_very_image_here__needs_no_word(till: Target) -> None:
    _rehearsed(till, image=BEFORE)
    assert find_warnings(till, version="1.3.0", image=IMAGE).need_word
    _rehearsed(till)

    assert deploy(target=till, version="1.3.0", image=IMAGE, now=NOW, **BY).pk


def test_deploy__no_way_back_as_its_authors_say__is_refused_though_rehearsed(till: Target) -> None:
    _rehearsed(till)
    _declare(Declared("0003_merge", "irreversible"), Declared("0004", "lossy"))

    with pytest.raises(Refusal) as caught:
        deploy(target=till, version="1.3.0", image=IMAGE, now=NOW, **BY)

    assert (caught.value.code, caught.value.data) == ("migrations_irreversible", {"names": "0003_merge"})


def test_deploy__a_target_that_migrates_nothing__asks_nothing(till: Target) -> None:
    Target.objects.filter(pk=till.pk).update(migrate=[])
    till.refresh_from_db()

    assert deploy(target=till, version="1.3.0", image=IMAGE, now=NOW, **BY).pk


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"migrate": []}, "target_migrates_nothing"),
        ({"database_variable": ""}, "target_names_no_variable"),
        ({"database": ""}, "target_has_no_database"),
        ({"folder": ""}, "target_has_no_application"),
    ],
)
def test_rehearse__what_it_needs_is_missing__is_refused(till: Target, change: dict[str, object], code: str) -> None:
    for name, value in change.items():
        setattr(till, name, value)

    with pytest.raises(Refusal) as caught:
        rehearse(target=till, version="1.3.0", image=IMAGE, point_id=1, now=NOW, **BY)

    assert caught.value.code == code


def _deployed(till: Target, *names: str) -> None:
    told = [{"migration": name, "app": "", "back_to": "0002"} for name in names]
    with recorded(actor=SCHEDULER, reason="test", now=NOW):
        Deployment(
            target=till,
            operation=_rehearsed(till),
            version="1.3.0",
            image=IMAGE,
            previous_image=BEFORE,
            reversals=told,
            asked_at=NOW,
            live_at=NOW,
        ).save()


def test_roll_back__by_reversal__takes_the_way_of_the_newest_deployment(till: Target) -> None:
    _deployed(till, "0004", "0003")

    operation = roll_back(target=till, with_application=True, point_id=None, reverses=True, now=NOW, **BY)

    assert [one["migration"] for one in operation.wish["reverse"]] == ["0004", "0003"]
    codes = list(operation.steps.values_list("code", flat=True))
    assert codes.index("store") < codes.index("stop_application") < codes.index("reverse") < codes.index("bring_up")


def test_roll_back__by_reversal__is_refused_where_there_is_no_way(till: Target) -> None:
    _deployed(till)
    with pytest.raises(Refusal) as caught:
        roll_back(target=till, with_application=True, point_id=None, reverses=True, now=NOW, **BY)
    assert caught.value.code == "nothing_to_reverse"

    _deployed(till, "0003")
    _declare(Declared("0003", "irreversible"))
    with pytest.raises(Refusal) as caught:
        roll_back(target=till, with_application=True, point_id=None, reverses=True, now=NOW, **BY)
    assert caught.value.code == "migrations_irreversible"

    with pytest.raises(InvalidInput) as wrong:
        roll_back(target=till, with_application=False, point_id=None, reverses=True, now=NOW, **BY)
    assert wrong.value.code == "reversal_alone"


def test_page__described_and_shown__on_the_release_and_by_itself(till: Target) -> None:
    client = sign_in(Role.RELEASE_MANAGER)
    lines = {
        "migrations-TOTAL_FORMS": "2",
        "migrations-INITIAL_FORMS": "0",
        "migrations-0-name": "0003_payments",
        "migrations-0-kind": "lossy",
        "migrations-0-reversal": "migrate 0002_closings",
        "migrations-1-name": "",
        "migrations-1-kind": "",
        "migrations-1-reversal": "",
    }

    answer = client.post("/recovery/migrations/1.3.0/edit/", lines | {"reason": "from the pull request"})

    assert answer["Location"] == "/recovery/migrations/1.3.0/"
    page = client.get("/recovery/migrations/1.3.0/").content.decode()
    assert "0003_payments" in page
    assert "migrate 0002_closings" in page
    assert "not tried" in page
    assert SchemaMigration.objects.get().history.get().history_change_reason == "from the pull request"


def test_page__a_name_twice__is_said_and_kept(till: Target) -> None:
    client = sign_in(Role.RELEASE_MANAGER)
    lines = {f"migrations-{n}-name": "0003" for n in range(2)} | {f"migrations-{n}-kind": "" for n in range(2)}

    answer = client.post(
        "/recovery/migrations/1.3.0/edit/",
        lines | {"migrations-TOTAL_FORMS": "2", "migrations-INITIAL_FORMS": "0", "reason": "x"},
    )

    assert answer.status_code == 400
    assert "Each migration is named once" in answer.content.decode()


def test_deploy_page__what_is_to_be_known__stands_before_the_button(till: Target) -> None:
    take(till)
    client = sign_in(Role.RELEASE_MANAGER)
    _declare(Declared("0003_merge", "irreversible"))
    asked = {"version": "1.3.0", "image": IMAGE}

    page = client.get("/recovery/targets/shop/deploy/", asked).content.decode()

    assert "0003_merge" in page
    assert "Nobody has tried" in page
    answer = client.post("/recovery/targets/shop/deploy/", asked | {"reason": "go"})
    assert answer.status_code == 409
    assert "Deploy nevertheless" in answer.content.decode()
    answer = client.post("/recovery/targets/shop/deploy/", asked | {"reason": "go", "accepts_migrations": "on"})
    assert answer.status_code == 302


def test_rehearse_page__without_a_restore_point__leads_to_one(till: Target) -> None:
    client = sign_in(Role.RELEASE_MANAGER)
    assert "Take a restore point" in client.get("/recovery/targets/shop/rehearse/").content.decode()
    point = take(till)

    answer = client.post(
        "/recovery/targets/shop/rehearse/", {"version": "1.3.0", "image": IMAGE, "point": point.pk, "reason": "x"}
    )

    operation = Operation.objects.get(kind=Kind.REHEARSE)
    assert answer["Location"] == f"/recovery/operations/{operation.pk}/"
    assert "Back behind each of them" in client.get(answer["Location"]).content.decode()
