"""The demo as loaded: what a fresh portal holds, and that it is loaded once."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import transaction
from pytest_django.plugin import DjangoDbBlocker

from core.chain import verify_history
from core.models import User
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag, Segment, Site, Till
from releaseportal.demo.catalogue import PILOTS_KEY, REHEARSAL_DAY_SECONDS
from releaseportal.demo.loader import DemoError, load_demo
from rollouts.domain.lifecycle import Status
from rollouts.domain.templates import FOUR_PHASES, PhaseKind
from rollouts.models import Release, Rollout, Step, StepStatus
from rollouts.queries import list_steps_due_within
from rollouts.support_queries import get_roster

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
#: The customer's own keys, from their text.
CUSTOMER_KEYS = {
    "price_buttons_v1_3",
    "category_visibility_v1_3",
    "scrollable_tickets_v1_3",
    "keyboard_shortcuts_v1_3",
    "visual_signals_v1_3",
    "central_block_redesign_v1_3",
    "recyClique_branding_v1_3",
    "backup_audit_v1_3",
}


def read_roles(username: str) -> set[str]:
    return set(User.objects.get(username=username).groups.values_list("name", flat=True))


@pytest.fixture(scope="class")
def told(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield load_demo(now=NOW)
        transaction.set_rollback(True)


class TestLoaded:
    """One load for all that only look at it."""

    def test_demo__loaded__holds_what_the_customer_names(self, told: dict[str, Any]) -> None:
        environments = Environment.objects.order_by("position").values_list("key", flat=True)
        assert list(environments) == ["dev", "staging", "prod"]
        sites = set(Site.objects.values_list("key", flat=True))
        assert sites == {"lyon", "nantes", "lille", "brest", "paris", "rennes"}
        assert set(Flag.objects.values_list("key", flat=True)) == CUSTOMER_KEYS
        assert Release.objects.get().version == "1.3.0"
        assert Segment.objects.get(key=PILOTS_KEY).members.count() == 4
        assert Segment.objects.get(key="testers").members.count() >= 3
        assert all(2 <= count <= 5 for count in (Till.objects.filter(site__key=key).count() for key in sites))

    def test_demo__loaded__has_somebody_on_duty_while_support_is_heightened(self, told: dict[str, Any]) -> None:
        assert [day.day for day in get_roster(now=NOW) if day.gaps] == []
        assert all(day.shifts for day in get_roster(now=NOW))

    def test_demo__loaded__tells_what_portal_json_promises(self, told: dict[str, Any]) -> None:
        assert set(told) == {"users", "tokens", "rollout", "tills"}
        assert set(told["users"]) == {"manager", "manager2", "support", "auditor", "admin"}
        for account in told["users"].values():
            person = User.objects.get(username=account["username"])
            assert set(account) == {"username", "password"}
            assert person.check_password(account["password"])
            assert person.is_active
        assert set(told["tokens"]) == {"dev", "staging", "prod"}
        assert all(set(texts) == {one.value for one in Purpose} for texts in told["tokens"].values())
        assert set(told["rollout"]) == {"environment", "flag", "site", "targeting_key"}
        assert told["rollout"]["environment"] == "prod"

        assert {name: read_roles(one["username"]) for name, one in told["users"].items()} == {
            "manager": {Role.RELEASE_MANAGER},
            "manager2": {Role.RELEASE_MANAGER},
            "support": {Role.SUPPORT},
            "auditor": {Role.AUDITOR},
            "admin": {Role.ADMIN},
        }

    def test_demo__loaded__makes_every_secret_at_random(self, told: dict[str, Any]) -> None:
        secrets = [one["password"] for one in told["users"].values()]
        secrets += [text for texts in told["tokens"].values() for text in texts.values()]

        assert len(set(secrets)) == len(secrets)
        sources = "".join(path.read_text() for path in Path(settings.BASE_DIR, "releaseportal").rglob("*.py"))
        assert not [secret for secret in secrets if secret in sources]

    def test_standing_rollout__loaded__was_driven_by_the_portals_own_transitions(self, told: dict[str, Any]) -> None:
        rollout = Rollout.objects.get(environment__key="prod")
        done = Step.objects.filter(rollout=rollout, status=StepStatus.DONE)
        assert all(step.done_at == step.due_at for step in done)
        assert rollout.events.count() >= done.count()
        assert verify_history().fault is None

    def test_rehearsal__loaded__runs_all_phases_in_about_ten_minutes_and_again(self, told: dict[str, Any]) -> None:
        rollout = Rollout.objects.get(environment__key="staging")
        last = Step.objects.filter(rollout=rollout).order_by("-due_at").first()
        assert last is not None
        assert (rollout.status, rollout.is_rehearsal, rollout.is_repeated) == (Status.SCHEDULED, True, True)
        assert rollout.day_seconds == REHEARSAL_DAY_SECONDS
        assert timedelta(minutes=8) < last.due_at - NOW < timedelta(minutes=12)
        assert {phase.kind for phase in rollout.phases.all()} == {str(phase.kind) for phase in FOUR_PHASES}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "local",
    [
        datetime(2026, 11, 23, 1, 0, tzinfo=PARIS),  # Monday, five hours before the next site
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=PARIS),
        datetime(2026, 5, 9, 19, 0, tzinfo=PARIS),  # Saturday evening between two holidays
    ],
    ids=str,
)
def test_standing_rollout__whenever_loaded__is_running_per_site_with_half_a_day_of_calm(local: datetime) -> None:
    now = local.astimezone(UTC)

    load_demo(now=now)

    rollout = Rollout.objects.get(environment__key="prod")
    assert (rollout.status, rollout.is_rehearsal) == (Status.RUNNING, False)
    assert not list_steps_due_within(now=now, span=timedelta(hours=12, seconds=1)).exists()
    following = Step.objects.filter(rollout=rollout, status=StepStatus.PLANNED).order_by("position").first()
    assert following is not None
    assert following.phase.kind == PhaseKind.PER_SITE
    assert not Step.objects.filter(rollout=rollout, status=StepStatus.PLANNED, due_at__lte=now).exists()


@pytest.mark.django_db
def test_demo__into_a_database_that_holds_environments__is_refused_and_changes_nothing() -> None:
    load_demo(now=NOW)
    before = Rollout.history.count()

    with pytest.raises(DemoError, match="empty database only"):
        load_demo(now=NOW)

    assert Rollout.objects.count() == 2
    assert Rollout.history.count() == before


@pytest.mark.django_db
class TestCommand:
    @pytest.fixture(autouse=True)
    def _data_dir(self, settings: Any, tmp_path: Path) -> None:
        settings.DATA_DIR = tmp_path / "data"

    def test_load_demo__into_an_empty_database__writes_a_private_file(self, tmp_path: Path) -> None:
        said = StringIO()

        call_command("load_demo", stdout=said)

        path = tmp_path / "data" / "demo.json"
        assert path.stat().st_mode & 0o777 == 0o600
        told = json.loads(path.read_text())
        assert set(told) == {"users", "tokens", "rollout", "tills"}
        assert str(path) in said.getvalue()
        assert not re.search(told["users"]["admin"]["password"], said.getvalue())

    def test_load_demo__a_second_time__is_one_line_and_keeps_the_file(self, tmp_path: Path) -> None:
        call_command("load_demo", stdout=StringIO())
        before = (tmp_path / "data" / "demo.json").read_text()

        with pytest.raises(CommandError, match=r"^The database already holds environments.*only\.$"):
            call_command("load_demo", stdout=StringIO())

        assert (tmp_path / "data" / "demo.json").read_text() == before

    def test_load_demo__whose_file_cannot_be_written__loads_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "data" / "demo.json").mkdir(parents=True)

        with pytest.raises(CommandError, match=r"demo\.json"):
            call_command("load_demo", stdout=StringIO())

        assert not Environment.objects.exists()
