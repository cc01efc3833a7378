"""The environment-variable layer: above everything, on every page, and clear or refused."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from core.actors import DEMO
from core.errors import InvalidInput
from flags.domain.audience import RuleAudience
from flags.domain.evaluation import Layer
from flags.explaining import explain_state
from flags.models import Environment, Flag, FlagState
from flags.overrides import check_variables
from flags.queries import load_environment
from flags.snapshot_file import SnapshotFile
from flags.snapshots import SnapshotKeeper
from flags.transitions import kill_flag
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
VARIABLE = "FLAG__PROD__PRICE_BUTTONS_V1_3"


@pytest.fixture
def environment() -> Environment:
    return make_environment(key="prod")


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag(key="price-buttons.v1_3", name="Buttons")


def _explain(flag: Flag) -> tuple[str, str]:
    evaluation = explain_state(flag.states.select_related("flag", "environment").get(), {}).evaluation
    assert evaluation is not None
    return evaluation.variant, evaluation.layer


@pytest.mark.parametrize(
    ("text", "is_killed", "told"),
    [
        ("on", False, ("on", Layer.VARIABLE)),
        ("on", True, ("off", Layer.KILL_SWITCH)),
        (" OFF ", False, ("off", Layer.VARIABLE)),
        ("off", True, ("off", Layer.VARIABLE)),
    ],
)
def test_variable__set__wins_as_the_order_says(
    flag: Flag, monkeypatch: pytest.MonkeyPatch, text: str, is_killed: bool, told: object
) -> None:
    environment = Environment.objects.get()
    make_rule(flag, environment, RuleAudience.everyone())
    if is_killed:
        kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
    monkeypatch.setenv(VARIABLE, text)

    assert _explain(flag) == told


def test_variable__set__is_served_and_never_kept_on_disk(
    flag: Flag, environment: Environment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = SnapshotKeeper()
    plain.refresh()
    monkeypatch.setenv(VARIABLE, "on")
    keeper, file = SnapshotKeeper(), SnapshotFile(tmp_path)
    keeper._file = file
    keeper.refresh()
    later = SnapshotKeeper()
    later.serve(file.read())

    assert load_environment(environment.pk).flags[flag.key].override is not None
    assert [one.flags[flag.key].override for one in file.read()] == [None]
    served = []
    for one in (plain, keeper, later):
        assert one.portfolio is not None
        served.append(one.portfolio.snapshots[environment.pk])
    assert [one.evaluators[flag.key]({}).value for one in served] == [False, True, True]
    assert served[0].etag != served[1].etag == served[2].etag


def test_page__locked__names_the_variable(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "on")

    page = sign_in().get(f"/flags/{flag.key}/").content.decode()

    assert VARIABLE in page
    assert "stands above: everybody gets “on”" in page


def test_variable__of_two_flags__is_refused_by_name(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    # Made before such keys were refused.
    other = Flag(key="price_buttons-v1.3", name="Other", variants={"on": True, "off": False})
    other.default_variant = other.off_variant = "off"
    Flag.objects.bulk_create([other])
    monkeypatch.setenv(VARIABLE, "off")

    with pytest.raises(InvalidInput) as refused:
        check_variables()

    assert refused.value.code == "variable_ambiguous"
    with pytest.raises(CommandError, match=VARIABLE):
        call_command("check_variables", stdout=io.StringIO())


def test_variable__saying_nothing_known__is_refused_with_the_choices(
    flag: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "perhaps")

    with pytest.raises(CommandError, match="it may say on, off"):
        call_command("check_variables", stdout=io.StringIO())


def test_variable__of_no_flag__is_let_be(flag: Flag, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG__PROD__NOT_YET", "on")

    check_variables()


def test_web__a_variable_that_is_unclear__does_not_start(flag: Flag) -> None:
    given = os.environ | {
        VARIABLE: "perhaps",
        "DATABASE_URL": _address(),
        "DJANGO_SETTINGS_MODULE": "releaseportal.settings",
    }

    ended = subprocess.run(
        [sys.executable, "-c", "import releaseportal.asgi"],
        cwd=settings.BASE_DIR,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith(f"The variable {VARIABLE} says “perhaps”")
    assert "Traceback" not in ended.stderr


def _address() -> str:
    place = settings.DATABASES["default"]
    return f"postgresql://{place['USER']}:{place['PASSWORD']}@{place['HOST']}:{place['PORT']}/{place['NAME']}"


@pytest.mark.parametrize("key", ["price_buttons.v1_3", "PRICE-BUTTONS-V1-3"])
def test_create_flag__a_key_that_reads_alike__is_refused(flag: Flag, key: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_flag(key=key)

    assert refused.value.code == "key_reads_alike"
    assert FlagState.objects.count() == 1


def test_create_environment__a_key_that_reads_alike__is_refused(environment: Environment) -> None:
    make_environment(key="prod-eu")
    with pytest.raises(InvalidInput) as refused:
        make_environment(key="prod_eu")

    assert refused.value.code == "key_reads_alike"
