"""The page of a release: what is in it, where it is out, to whom, since when; rehearsals apart."""

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
from flags.models import Environment, Flag
from flags.transitions import NewMember, create_environment, create_flag
from rollouts.domain.templates import Advance, PhaseKind, PhaseTemplate
from rollouts.drawing import PlanRequest
from rollouts.models import Release, Rollout, StepStatus, Trigger
from rollouts.release_view import ReleasePage, compose_release
from rollouts.templatetags.releases import reach_of_flag, whom_of_flag
from rollouts.transitions import create_release, plan_rollout, roll_back, run_next_step, schedule_rollout
from rollouts.transitions.partial_rollback import roll_back_site
from rollouts.transitions.templating import create_template
from tests.factories.flags import make_flag, make_site
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
SITES = PhaseTemplate(PhaseKind.PER_SITE, days=3, advance=Advance.TOGETHER, gates=())
FULL = PhaseTemplate(PhaseKind.FULL, days=1, advance=Advance.TOGETHER, gates=())


@pytest.fixture
def world() -> World:
    return make_world()


def _run(world: World, *, until: datetime) -> Rollout:
    """Let the release out from Monday 30 November on: a site a day, then everyone."""
    template = create_template(name="Ours", phases=(SITES, FULL), now=NOW, **BY)
    request = PlanRequest(
        release_id=world.release.pk,
        environment_id=world.environment.pk,
        testers_id=world.testers.pk,
        pilots=(),
        site_ids=tuple(site.pk for site in world.sites),
        start_on=date(2026, 11, 30),
        template_version_id=template.versions.get().pk,
    )
    rollout = schedule_rollout(rollout_id=plan_rollout(request=request, now=NOW, **BY).pk, now=NOW, **BY)
    due = rollout.steps.filter(status=StepStatus.PLANNED, due_at__lte=until).order_by("position")
    while step := due.first():
        assert run_next_step(rollout_id=rollout.pk, now=step.due_at) is not None
    return rollout


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def _look(world: World, *, now: datetime = NOW) -> ReleasePage:
    return compose_release(Release.objects.get(pk=world.release.pk), now=now)


def test_release__that_nobody_let_out__is_out_nowhere(world: World) -> None:
    page = _look(world)

    assert not page.is_out
    assert [len(place.off) for place in page.places] == [3]
    assert [row.flag.name for row in page.flags] == ["Buttons", "Tickets", "Signals"]


def test_release__on_its_way__says_at_which_sites_since_when(world: World) -> None:
    now = _at("2026-12-01 07:00")
    _run(world, until=now)

    page = _look(world, now=now)

    assert page.is_out
    [place] = page.places
    assert [(reach_of_flag(one), whom_of_flag(one)) for one in place.out] == [("2 of 3 sites", "Lyon, Nantes")] * 3
    assert {one.standing.since for one in place.out} == {_at("2026-11-30 06:00")}
    [summary] = page.rollouts
    assert summary.next_step is not None
    assert summary.next_step.due_at == _at("2026-12-02 06:00")


def test_release__fully_out_but_a_site__names_the_site(world: World) -> None:
    now = _at("2026-12-03 07:00")
    rollout = _run(world, until=now)
    assert {reach_of_flag(one) for one in _look(world, now=now).places[0].out} == {"everyone"}
    assert {one.standing.since for one in _look(world).places[0].out} == {_at("2026-12-03 06:00")}

    roll_back_site(rollout_id=rollout.pk, site_id=world.sites[2].pk, now=now, **BY)

    [place] = _look(world, now=now).places
    assert {(reach_of_flag(one), whom_of_flag(one)) for one in place.out} == {("everyone but some", "not Lille")}


def test_release__with_a_flag_taken_back__shows_it_cut(world: World) -> None:
    now = _at("2026-12-01 07:00")
    rollout = _run(world, until=now)
    roll_back(rollout_id=rollout.pk, flag_ids=[world.flags[0].pk], trigger=Trigger.MANUAL, now=now, **BY)

    [place] = _look(world, now=now).places

    assert [one.state.flag.name for one in place.killed] == ["Buttons"]
    assert [one.standing.state.flag.name for one in place.out] == ["Tickets", "Signals"]


def test_release__in_a_rehearsal_alone__is_out_nowhere(world: World) -> None:
    rehearsal = make_rehearsal(world)
    play(world, rehearsal, start=NOW, seconds=100)

    page = _look(world, now=NOW + timedelta(seconds=100))

    assert not page.is_out
    assert len(page.places[0].rehearsed) == 3
    assert page.rollouts == []
    assert [one.rollout.pk for one in page.rehearsals] == [rehearsal.pk]


def test_release__in_two_environments__keeps_them_apart_and_in_order(world: World) -> None:
    create_environment(key="dev", name="Dev", position=0, is_production=False, now=NOW, **BY)
    create_environment(key="prod", name="Prod", position=2, is_production=True, now=NOW, **BY)
    _run(world, until=_at("2026-11-30 07:00"))

    places = _look(world).places

    assert [(place.environment.key, len(place.out)) for place in places] == [("dev", 0), ("staging", 3), ("prod", 0)]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["Not out anywhere", "no note for cashiers"]), ("fr", ["n’en reçoit rien", "pas de note de caisse"])],
)
def test_page__in_both_languages__says_what_is_in_it_and_that_it_is_out_nowhere(
    world: World, language: str, words: list[str]
) -> None:
    create_flag(key="noted", name="Noted", cashier_note_fr="Appuyez ici", now=NOW, **BY)
    flags = [Flag.objects.get(key="noted").pk, world.flags[0].pk]
    image = f"registry.example/till@sha256:{'a' * 64}"
    release = create_release(version="2.0", flag_ids=flags, image=image, now=NOW, **BY)
    client = sign_in(Role.AUDITOR)

    page = client.get(f"/releases/{release.pk}/", headers={"accept-language": language}).content.decode()

    assert [one for one in [*words, image, "Noted"] if one not in page] == []


def test_pages__of_releases_and_rollouts__lead_to_it() -> None:
    world = make_world(now=clock.now())
    rollout = make_rehearsal(world, now=clock.now())
    client = sign_in()
    address = f'href="/releases/{world.release.pk}/"'

    assert address in client.get("/releases/").content.decode()
    assert address in client.get(f"/rollouts/{rollout.pk}/").content.decode()


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 18])
def test_page__of_no_release__is_not_found(world: World, pk: str) -> None:
    assert sign_in().get(f"/releases/{pk}/").status_code == 404


def _count(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_page__many_flags_sites_and_rollouts__take_as_many_queries_as_two(world: World) -> None:
    environment = Environment.objects.get()
    client = sign_in()

    def release(size: int) -> int:
        flags = [make_flag().pk for _ in range(size)]
        made = create_release(version=f"9.{size}", flag_ids=flags, now=NOW, **BY)
        for _ in range(size):
            request = PlanRequest(
                release_id=made.pk,
                environment_id=environment.pk,
                testers_id=world.testers.pk,
                pilots=(NewMember("cashier-1"),),
                site_ids=tuple(make_site().pk for _ in range(size)),
                start_on=date(2026, 11, 30),
            )
            plan_rollout(request=request, now=NOW, **BY)
        return made.pk

    few, many = (_count(client, f"/releases/{release(size)}/") for size in (2, 9))

    assert few == many
