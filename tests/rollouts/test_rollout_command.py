"""`manage.py rollout` and `manage.py release`: the transitions of the pages from a shell, refused in one line."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import clock
from core.actors import SCHEDULER
from core.errors import InvalidInput, NotAllowed, Refusal
from flags.transitions import edit_environment
from releaseportal.commandline import describe
from rollouts.actions import ACTIONS
from rollouts.domain.lifecycle import Status
from rollouts.management.commands.rollout import TOLD
from rollouts.models import Approval, Release, Rollout
from rollouts.transitions import run_next_step
from tests.digest import take_digest
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db
BY = ("--reason", WHY, "--by", "mia")
PILOTS = ("--pilot", "cashier-1", "--pilot", "cashier-2", "--pilot", "cashier-3")
PLAN = ("plan", "--env", "staging", "--release", "1.3", "--site", "nantes", "--site", "lyon", "--testers", "testers")
REHEARSAL = (*PLAN, *PILOTS, "--day-seconds", "60")


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A running rehearsal."""
    start = clock.now() - timedelta(minutes=1)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=40)
    return Rollout.objects.get()


def _call(name: str, *arguments: object) -> list[str]:
    said = StringIO()
    call_command(name, *map(str, arguments), stdout=said)
    return said.getvalue().splitlines()


def _refuse(name: str, *arguments: object) -> str:
    """Return the line that a refused command ends with; whatever it is, nothing was written."""
    before = take_digest()
    with pytest.raises((CommandError, Refusal)) as refused:
        _call(name, *arguments)
    assert take_digest() == before
    line = describe(refused.value, environment={}) if isinstance(refused.value, Refusal) else str(refused.value)
    assert line
    assert "\n" not in line
    return line


def test_plan__dry_run__prints_the_dated_steps_and_writes_nothing(world: World) -> None:
    before = take_digest()

    lines = _call("rollout", *PLAN, *PILOTS, "--start-on", "2099-06-02", "--promotion-time", "07:30", "--dry-run")

    assert lines[0] == "2099-06-02T09:00:00+02:00  internal  buttons  testers"
    sites = [line.split("  ")[3] for line in lines if "per_site" in line]
    assert sites == ["nantes"] * 3 + ["lyon"] * 3
    assert all("T07:30:00" in line for line in lines if "per_site" in line)
    assert take_digest() == before


def test_plan__is_a_draft_with_the_history_of_the_page(world: World) -> None:
    [line] = _call("rollout", *REHEARSAL, *BY)

    rollout = Rollout.objects.get()
    assert line == f"{rollout.pk}  1.3 → staging  draft  epoch 1, attempt 1  rehearsal"
    written = rollout.history.get()
    assert (written.actor_kind, written.actor_label, written.history_change_reason) == ("command", "mia", WHY)


def test_rollout__from_draft_to_a_new_attempt__is_driven_from_a_shell(world: World) -> None:
    _call("rollout", *REHEARSAL, *BY)
    pk = Rollout.objects.get().pk

    def act(name: str, *more: str) -> str:
        [line] = _call("rollout", name, pk, *BY, *more)
        return line.split("  ")[2]

    assert act("schedule") == "scheduled"
    while run_next_step(rollout_id=pk, now=clock.now() + timedelta(seconds=50)) is not None:
        pass
    assert act("pause") == "paused"
    assert act("resume", "--waive-gate") == "running"
    assert act("roll-back", "--flag", "buttons") == "held (flag_rolled_back)"
    assert act("roll-back", "--all") == "rolled_back"
    for key in ("buttons", "tickets", "signals"):
        act("acknowledge", "--flag", key)
    assert act("redraft") == "draft"
    assert act("cancel") == "cancelled"


def test_actions__of_the_page__are_all_told_by_the_command() -> None:
    assert set(TOLD) == set(ACTIONS)


def test_show__says_flags_phases_and_what_comes_next(rollout: Rollout) -> None:
    lines = _call("rollout", "show", rollout.pk)

    assert lines[0].startswith(f"{rollout.pk}  1.3 → staging  running  epoch ")
    assert "  flag   buttons: driven" in lines
    assert any(line.startswith("  phase  internal: running, ") for line in lines)
    assert lines[-1].startswith("  next   ")


def test_list__narrowed__shows_those(rollout: Rollout) -> None:
    assert len(_call("rollout", "list", "--env", "staging", "--status", "running")) == 1
    assert _call("rollout", "list", "--status", "draft") == []
    assert _call("rollout", "list", "--limit", "0") == []


def test_approve__from_a_shell__is_refused_whoever_is_named(world: World, rollout: Rollout) -> None:
    edit_environment(
        environment_id=world.environment.pk,
        name="Staging",
        position=1,
        is_production=False,
        allowed_origins=[],
        required_approvals=1,
        actor=SCHEDULER,
        reason=WHY,
        now=NOW,
    )
    _call("rollout", *REHEARSAL, *BY)
    waiting = Rollout.objects.latest("pk")
    _call("rollout", "request-approval", waiting.pk, *BY)

    with pytest.raises(NotAllowed) as refused:
        _call("rollout", "approve", waiting.pk, *BY)

    assert refused.value.code == "approval_by_no_person"
    line = "Only a person who is signed in may approve: no token, no command."
    for arguments in ((waiting.pk,), (waiting.pk, *BY), (waiting.pk, "--by", "admin"), (rollout.pk,)):
        assert _refuse("rollout", "approve", *arguments) == line
    assert _refuse("rollout", "schedule", waiting.pk, *BY).startswith("Not approved as it is now")
    assert not Approval.objects.exists()
    _call("rollout", "withdraw", waiting.pk, *BY)
    assert Rollout.objects.get(pk=waiting.pk).status == Status.DRAFT


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("pause", "999"), "There is no such rollout."),
        (("show", "9" * 40), "There is no such rollout."),
        (("pause", "{pk}", "--epoch", "99"), "Somebody else changed this meanwhile."),
        (("cancel", "{pk}"), "That is not possible now (state: running)."),
        (("roll-back", "{pk}", "--flag", "nothing"), "nothing is no flag of this rollout."),
        (("acknowledge", "{pk}", "--flag", "buttons"), "This flag was not taken back."),
        ((*REHEARSAL, "--site", "nowhere"), "There is no site nowhere."),
        ((*REHEARSAL[:2], "moon", *REHEARSAL[3:]), "There is no environment 'moon': choose staging."),
        (("list", "--env", "moon"), "There is no environment 'moon': choose staging."),
        ((*PLAN, *PILOTS, "--start-on", "2020-01-01"), "The start lies in the past"),
        ((*REHEARSAL, "--pilot", "\udcff"), "What was sent holds characters that cannot be read."),
        (("roll-back", "{pk}"), "Error: one of the arguments --flag --all is required"),
        ((*PLAN, *PILOTS, "--start-on", "tomorrow"), "Error: argument --start-on: 'tomorrow' is no day"),
        ((*PLAN, *PILOTS, "--start-on", "9999-01-01"), "Error: argument --start-on: a day between 2000 and 2100"),
        ((*PLAN, *PILOTS, "--day-seconds", "0"), "Error: argument --day-seconds: 1 to 86400 seconds"),
        ((*REHEARSAL, "--promotion-time", "25:00"), "Error: argument --promotion-time: '25:00' is no hour"),
    ],
)
def test_rollout__wrong__is_refused_in_one_line(rollout: Rollout, arguments: tuple[str, ...], line: str) -> None:
    given = [one.replace("{pk}", str(rollout.pk)) for one in arguments]
    why = BY if given[0] not in {"list", "show"} else ()

    assert _refuse("rollout", *given, *why).startswith(line)


@pytest.mark.parametrize("action", ["pause", "roll-back"])
def test_rollout__without_a_reason__says_how_to_give_one(rollout: Rollout, action: str) -> None:
    more = ["--all"] if action == "roll-back" else []

    assert _refuse("rollout", action, rollout.pk, *more) == "Say why: --reason TEXT"


class TestRelease:
    IMAGE = "registry.example.org/till@sha256:" + "0a" * 32

    def _register(self, *more: str) -> str:
        [line] = _call("release", "register", "1.4", "--flag", "tickets", "--flag", "buttons", *more, *BY)
        return line

    def test_register__then_again__is_one_release(self, world: World) -> None:
        assert self._register("--image", self.IMAGE) == f"registered: 1.4  tickets, buttons  {self.IMAGE}"
        assert self._register("--image", self.IMAGE).startswith("there already: 1.4")

        release = Release.objects.get(version="1.4")
        assert (release.image, release.history.get().actor_label) == (self.IMAGE, "mia")
        assert _call("release", "list")[0] == f"1.4  tickets, buttons  {self.IMAGE}"

    def test_register__otherwise__is_refused(self, world: World) -> None:
        self._register()

        assert _refuse("release", "register", "1.4", "--flag", "buttons", *BY).startswith("Release 1.4 is there")

    @pytest.mark.parametrize(
        ("more", "line"),
        [
            (["--flag", "nothing"], "No flag in use has the key nothing."),
            (["--flag", "buttons", "--image", "till:1.5"], "Name the image by its digest"),
            (["--flag", "buttons", "--flag", "buttons"], "Choose each flag once"),
        ],
    )
    def test_register__wrong__is_refused_in_one_line(self, world: World, more: list[str], line: str) -> None:
        assert _refuse("release", "register", "1.5", *more, *BY).startswith(line)
        with pytest.raises(InvalidInput):
            _call("release", "register", "1.5", *more, *BY)
