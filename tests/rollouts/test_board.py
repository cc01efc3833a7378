"""The board of a rollout: each cell says how its steps stand, and leads to where they can be changed."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from core.roles import Role
from flags.models import Site
from flags.transitions import NewMember, create_site
from rollouts.board import Board, By, Content, compose_board
from rollouts.domain.board import CellState
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import PhaseStatus, Rollout, Step, StepStatus, Trigger
from rollouts.templatetags.board import count_of_cell, when_of_cell, words_of_cell, words_of_head
from rollouts.transitions import (
    acknowledge_flag,
    cancel_rollout,
    create_release,
    pause_rollout,
    plan_rollout,
    redraft_rollout,
    roll_back,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.editing import skip_steps
from rollouts.transitions.partial_rollback import give_back_site, roll_back_phase, roll_back_site, undo_steps
from rollouts.transitions.templating import create_template
from tests.factories.flags import make_flag, make_site
from tests.factories.world import DAY, NOW, WHY, World, make_rehearsal, make_world, play, reload
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 11, 30)
INTERNAL = PhaseTemplate(PhaseKind.INTERNAL, days=2, advance=Advance.TOGETHER, gates=(Gate.SOAK,))
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


@pytest.fixture
def world() -> World:
    return make_world()


def _schedule(world: World, *, sites: list[Site] | None = None, phases: Any = (INTERNAL, SITES, FULL)) -> Rollout:
    template = create_template(name="Ours", phases=phases, now=NOW, **BY)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=tuple(NewMember(f"cashier-{n}") for n in range(3)),
        site_ids=tuple(site.pk for site in sites or world.sites),
        start_on=MONDAY,
        template_version_id=template.versions.get().pk,
    )
    rollout = plan_rollout(request=request, now=NOW, **BY)
    return schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def _run(rollout: Rollout, *, until: datetime) -> None:
    """Do each step at its moment: late, the plan would get new dates."""
    due = rollout.steps.filter(status=StepStatus.PLANNED, due_at__lte=until).order_by("position")
    while step := due.first():
        assert run_next_step(rollout_id=rollout.pk, now=step.due_at) is not None


def _look(rollout: Rollout, *, by: By = By.FLAGS, now: datetime = NOW, text: str = "") -> Board:
    return compose_board(reload(rollout), by=by, text=text, page=None, now=now)


def _contents(board: Board, name: str) -> list[Content | None]:
    [row] = [row for row in board.rows if row.label.name == name]
    return [cell.content for cell in row.cells]


def _states(board: Board, name: str) -> list[str]:
    return [str(content.state) if content else "" for content in _contents(board, name)]


#: Monday the testers, then a site a day, then everyone.
COLUMNS = ["Mon 30 Nov", "Wed 2 Dec", "Thu 3 Dec", "Fri 4 Dec", "Sat 5 Dec"]


def test_board__of_a_plan__has_days_across_and_flags_down(world: World) -> None:
    board = _look(_schedule(world))

    assert [words_of_head(head) for head in board.heads] == COLUMNS
    assert [head.site for head in board.heads] == ["", "Lyon", "Nantes", "Lille", ""]
    assert [(head.phase.kind, head.width) for head in board.phases] == [("internal", 1), ("per_site", 3), ("full", 1)]
    assert [row.label.name for row in board.rows] == ["Buttons", "Tickets", "Signals"]
    assert _states(board, "Tickets") == ["planned"] * 5
    assert all(cell.content and cell.content.tally.planned == 3 for cell in board.everything)


def test_board__by_sites__has_people_sites_and_everyone_in_the_plans_order(world: World) -> None:
    board = _look(_schedule(world), by=By.SITES)

    assert [row.label.name for row in board.rows] == ["Testers", "Lyon", "Nantes", "Lille", "everyone"]
    assert _states(board, "Nantes") == ["", "", "planned", "", ""]
    content = _contents(board, "Nantes")[2]
    assert content is not None
    assert (count_of_cell(content), when_of_cell(content)) == ("3", "06:00")
    assert words_of_cell(content) == "3 planned, Nantes, Thu 3 Dec, 06:00"


def test_cell__of_a_site_on_other_clocks__says_the_hour_there(world: World) -> None:
    island = create_site(
        key="saint-denis", name="Saint-Denis", city="Saint-Denis", time_zone="Indian/Reunion", now=NOW, **BY
    )
    board = _look(_schedule(world, sites=[world.sites[0], island]))

    [content] = [one for one in _contents(board, "Buttons") if one and one.site == "Saint-Denis"]
    assert when_of_cell(content) == "06:00"
    assert words_of_cell(content) == "planned, Saint-Denis, Thu 3 Dec, 06:00 there"


def test_cells__of_what_was_done__say_so_and_stand_before_the_line(world: World) -> None:
    rollout = _schedule(world)
    _run(rollout, until=_at("2026-12-02 07:00"))

    board = _look(rollout, now=_at("2026-12-02 07:00"))

    assert _states(board, "Buttons") == ["done", "done", "planned", "planned", "planned"]
    assert board.line is not None
    assert (board.line.index, board.line.place) == (2, 0)
    assert [head.spot.is_now for head in board.heads] == [False, True, False, False, False]
    content = _contents(board, "Buttons")[1]
    assert content is not None
    assert words_of_cell(content).startswith("done, Lyon, Wed 2 Dec, ")


def test_cells__of_a_moment_left_out__say_so(world: World) -> None:
    rollout = _schedule(world)
    step = rollout.steps.filter(site=world.sites[1]).earliest("position")
    skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=NOW, **BY)

    assert _states(_look(rollout), "Buttons") == ["planned", "planned", "skipped", "planned", "planned"]


def test_cells__of_a_step_taken_back__are_told_from_those_left_out(world: World) -> None:
    rollout = _schedule(world)
    now = _at("2026-12-02 07:00")
    _run(rollout, until=now)
    step = rollout.steps.get(flag=world.flags[0], site=world.sites[0])

    undo_steps(rollout_id=rollout.pk, step_ids=[step.pk], now=now, **BY)

    board = _look(rollout, now=now)
    assert _states(board, "Buttons")[:2] == ["done", "off"]
    assert _states(board, "Tickets")[:2] == ["done", "done"]
    whole = board.everything[1].content
    assert whole is not None
    assert (whole.state, count_of_cell(whole)) == (CellState.PART, "2 of 3")
    assert words_of_cell(whole).startswith("2 done, 1 taken back, ")


def test_cells__of_a_site_taken_back__are_off_until_it_is_given_back(world: World) -> None:
    rollout = _schedule(world)
    now = _at("2026-12-02 07:00")
    _run(rollout, until=now)
    lyon = world.sites[0].pk

    roll_back_site(rollout_id=rollout.pk, site_id=lyon, now=now, **BY)

    board = _look(rollout, by=By.SITES, now=now)
    assert _states(board, "Lyon")[1] == "off"
    assert _states(board, "Testers")[0] == "done"
    assert _states(board, "Nantes")[2] == "held"
    give_back_site(rollout_id=rollout.pk, site_id=lyon, now=now, **BY)
    assert _states(_look(rollout, by=By.SITES, now=now), "Lyon")[1] == "done"


def test_cells__of_a_phase_taken_back__are_held_before_the_line(world: World) -> None:
    rollout = _schedule(world)
    now = _at("2026-12-02 07:00")
    _run(rollout, until=now)
    phase = rollout.phases.get(status=PhaseStatus.RUNNING)

    roll_back_phase(rollout_id=rollout.pk, phase_id=phase.pk, now=now, **BY)

    assert _states(_look(rollout, now=now), "Buttons") == ["done", "held", "held", "held", "held"]


def test_cells__of_a_flag_taken_back__are_off_and_left_out_the_others_held(world: World) -> None:
    rollout = _schedule(world)
    now = _at("2026-12-02 07:00")
    _run(rollout, until=now)

    roll_back(rollout_id=rollout.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=now, **BY)

    board = _look(rollout, now=now)
    assert _states(board, "Buttons") == ["off", "off", "skipped", "skipped", "skipped"]
    assert _states(board, "Tickets") == ["done", "done", "held", "held", "held"]


def test_cells__of_a_new_attempt__know_nothing_of_the_one_before(world: World) -> None:
    rollout = _schedule(world)
    now = _at("2026-12-02 07:00")
    _run(rollout, until=now)
    roll_back(rollout_id=rollout.pk, flag_ids=None, trigger=Trigger.MANUAL, now=now, **BY)
    assert _states(_look(rollout, now=now), "Buttons") == ["off", "off", "skipped", "skipped", "skipped"]
    for flag in world.flags:
        acknowledge_flag(rollout_id=rollout.pk, flag_id=flag.pk, now=now, **BY)
    later = now + timedelta(minutes=1)
    redraft_rollout(rollout_id=rollout.pk, now=later, **BY)
    step = rollout.steps.filter(site=world.sites[0]).earliest("position")
    skip_steps(rollout_id=rollout.pk, step_id=step.pk, now=later, **BY)

    assert _states(_look(rollout, now=later), "Buttons") == ["planned", "skipped", "planned", "planned", "planned"]


def _pause(rollout: Rollout, world: World) -> None:
    _run(rollout, until=_at("2026-11-30 07:00"))
    pause_rollout(rollout_id=rollout.pk, now=_at("2026-11-30 07:00"), **BY)


def _cancel(rollout: Rollout, world: World) -> None:
    cancel_rollout(rollout_id=rollout.pk, now=NOW, **BY)


@pytest.mark.parametrize(("stop", "last"), [(_pause, "paused"), (_cancel, "cancelled")])
def test_cells__where_nothing_goes_on__say_why(world: World, stop: Callable[[Rollout, World], None], last: str) -> None:
    rollout = _schedule(world)
    stop(rollout, world)

    assert _states(_look(rollout), "Signals")[-1] == last


def test_board__of_a_rehearsal__numbers_its_days(world: World) -> None:
    rollout = make_rehearsal(world)
    play(world, rollout, start=NOW, seconds=70)

    board = _look(rollout, now=NOW + timedelta(seconds=70))

    assert words_of_head(board.heads[0]) == "day 1"
    assert board.heads[1].number == 2
    assert [head.spot.is_now for head in board.heads].index(True) == 1
    assert not any(" Nov" in words_of_head(head) for head in board.heads)
    first = _contents(board, "Buttons")[0]
    assert first is not None
    assert words_of_cell(first) == "done, day 1"


def test_board__of_many_sites__sums_their_days_up(world: World) -> None:
    board = _look(_schedule(world, sites=[make_site() for _ in range(60)]))

    assert len(board.heads) == 3
    content = _contents(board, "Buttons")[1]
    assert content is not None
    assert content.tally.planned == 60
    assert count_of_cell(content) == "60"
    assert when_of_cell(content).startswith("2 Dec – ")
    by_site = _look(Rollout.objects.get(), by=By.SITES)
    assert len(by_site.rows) == 50
    assert by_site.page.paginator.count == 62


def test_board__narrowed_by_name__keeps_those_rows_and_the_sum_of_all(world: World) -> None:
    rollout = _schedule(world)

    by_flag, by_site = _look(rollout, text="sign"), _look(rollout, by=By.SITES, text="LY")

    assert [row.label.name for row in by_flag.rows] == ["Signals"]
    assert [row.label.name for row in by_site.rows] == ["Lyon"]
    assert by_flag.everything[0].content is not None
    assert by_flag.everything[0].content.tally.total == 3
    assert _look(rollout, text="nothing like it").rows == []


def _count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


@pytest.mark.parametrize("by", list(By))
def test_page__many_flags_and_sites__take_as_many_queries_as_two(world: World, by: By) -> None:
    client = sign_in()

    def plan(size: int) -> int:
        flags = [make_flag().pk for _ in range(size)]
        release = create_release(version=f"9.{size}", flag_ids=flags, now=NOW, **BY)
        request = PlanRequest(
            release_id=release.pk,
            environment_id=world.environment.pk,
            testers_id=world.testers.pk,
            pilots=(NewMember("cashier-1"),),
            site_ids=tuple(make_site().pk for _ in range(size)),
            start_on=MONDAY,
        )
        return plan_rollout(request=request, now=NOW, **BY).pk

    few, many = (_count(client, f"/rollouts/{plan(size)}/board/?by={by}") for size in (2, 20))

    assert few == many


def test_page__a_cell__leads_to_its_step_on_the_plans_page(world: World) -> None:
    rollout = _schedule(world)
    step = rollout.steps.get(flag=world.flags[2], site=world.sites[1])
    client = sign_in(Role.RELEASE_MANAGER)
    board = client.get(f"/rollouts/{rollout.pk}/board/").content.decode()
    place = f"/rollouts/{rollout.pk}/plan/?step={step.pk}"
    assert f'href="{place}#chosen"' in board

    page = client.get(place).content.decode()

    first = Step.objects.filter(rollout=rollout, site=world.sites[1]).earliest("position")
    assert page.count('id="chosen"') == 1
    assert f'value="{first.pk}"' in page[page.index('id="chosen"') :].split("checked")[0]


@pytest.mark.parametrize("step", ["", "x", "-1", "9" * 30, "١٢٣", "0"])
def test_plan_page__of_a_step_that_is_none__chooses_nothing(world: World, step: str) -> None:
    rollout = _schedule(world)

    answer = sign_in(Role.RELEASE_MANAGER).get(f"/rollouts/{rollout.pk}/plan/", {"step": step})

    assert answer.status_code == 200
    assert "was-chosen" not in answer.content.decode()


@pytest.mark.parametrize(
    "query", [{"by": "x"}, {"by": "sites", "page": "-1"}, {"page": "9" * 40}, {"q": "%_" * 90}, {"q": "<script>"}]
)
def test_page__hostile_addresses__are_answered(world: World, query: dict[str, str]) -> None:
    answer = sign_in(Role.AUDITOR).get(f"/rollouts/{_schedule(world).pk}/board/", query)

    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode().replace("<script src", "")


@pytest.mark.parametrize(("language", "words"), [("en", "By site and people"), ("fr", "Par site et personnes")])
def test_page__in_both_languages__has_the_line_with_its_word(language: str, words: str) -> None:
    world = make_world(now=clock.now())
    rollout = make_rehearsal(world, now=clock.now() - timedelta(seconds=DAY))
    client = sign_in(Role.SUPPORT)

    page = client.get(f"/rollouts/{rollout.pk}/board/", headers={"accept-language": language}).content.decode()

    assert words in page
    assert 'class="today"' in page


def test_page__asked_again__is_the_table_alone(world: World) -> None:
    rollout = _schedule(world)

    page = sign_in().get(f"/rollouts/{rollout.pk}/board/?by=sites", headers={"HX-Request": "true"}).content.decode()

    assert page.strip().startswith("<table")
    assert f'hx-get="/rollouts/{rollout.pk}/board/?by=sites"' in page
