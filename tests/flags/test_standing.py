"""How far a flag is out: by its rules in order, and since when by what history says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.actors import SCHEDULER
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.standing import Extent, Reached, RuleGroup, judge_reach
from flags.models import Flag
from flags.standing_queries import Standing, list_standings
from flags.transitions import kill_flag, lift_rule, release_flag, shut_site, switch_on
from tests.factories.world import NOW, WHY, World, make_world

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
FIRST, LATER = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def _group(kind: RuleKind, position: int, *names: str, gives: Any = "on", since: datetime = FIRST) -> RuleGroup:
    variant, split = (gives, ()) if isinstance(gives, str) else ("", gives)
    return RuleGroup(kind, position, variant, split, names, max(len(names), 1), since)


def _judge(*groups: RuleGroup, default: str = "off") -> Reached:
    return judge_reach(groups, default_variant=default, off_variant="off")


def test_reach__without_rules__is_the_defaults() -> None:
    assert _judge().extent is Extent.NOBODY
    assert _judge(default="on").extent is Extent.EVERYONE


def test_reach__of_sites_and_people__names_them_since_the_first() -> None:
    reached = _judge(
        _group(RuleKind.SITE, 2, "nantes", "lyon", since=LATER),
        _group(RuleKind.SEGMENT, 1, "Testers"),
        _group(RuleKind.CONDITIONS, 5),
    )

    assert reached == Reached(Extent.SOME, sites=["lyon", "nantes"], people=["Testers"], others=1, but=[], since=FIRST)


def test_reach__of_everyone__forgets_who_had_it_before_and_keeps_who_is_kept_off() -> None:
    reached = _judge(
        _group(RuleKind.SITE, 0, "lille", gives="off", since=LATER),
        _group(RuleKind.SITE, 1, "lyon"),
        _group(RuleKind.EVERYONE, 2, since=LATER),
        _group(RuleKind.SITE, 3, "nantes", gives="off"),
    )

    assert reached == Reached(Extent.EVERYONE, but=["lille"], since=LATER)


def test_reach__of_a_site_taken_back__counts_it_no_more() -> None:
    reached = _judge(_group(RuleKind.SITE, 0, "lyon", gives="off"), _group(RuleKind.SITE, 1, "lyon", "nantes"))

    assert (reached.sites, reached.but) == (["nantes"], ["lyon"])


@pytest.mark.parametrize(("bp", "extent"), [(0, Extent.NOBODY), (2_500, Extent.SOME), (10_000, Extent.EVERYONE)])
def test_reach__of_a_share__is_what_is_more_than_off(bp: int, extent: Extent) -> None:
    reached = _judge(_group(RuleKind.EVERYONE, 0, gives=(("on", bp), ("off", 10_000 - bp))))

    assert reached.extent is extent
    assert reached.share_bp == (bp if extent is Extent.SOME else 0)


@pytest.fixture
def world() -> World:
    return make_world()


def _common(world: World, flag: Flag, audience: RuleAudience) -> dict[str, Any]:
    return {"flag_id": flag.pk, "environment_id": world.environment.pk, "audience": audience, "origin": "", **BY}


def _stand(world: World) -> Standing:
    [standing, *_others] = list_standings([flag.pk for flag in world.flags])
    return standing


@pytest.mark.django_db
def test_standing__of_what_nobody_touched__is_off(world: World) -> None:
    assert [one.extent for one in list_standings([flag.pk for flag in world.flags])] == [Extent.OFF] * 3


@pytest.mark.django_db
def test_standing__of_a_flag_cut_and_let_go_again__is_since_then(world: World) -> None:
    flag = world.flags[0]
    place: dict[str, Any] = {"flag_id": flag.pk, "environment_id": world.environment.pk, **BY}
    hours = [NOW + timedelta(hours=n) for n in range(3)]
    switch_on(**place, now=hours[0])
    assert (_stand(world).extent, _stand(world).since) == (Extent.EVERYONE, hours[0])

    kill_flag(**place, now=hours[1])
    assert (_stand(world).extent, _stand(world).since) == (Extent.KILLED, hours[1])
    release_flag(**place, now=hours[2])

    assert (_stand(world).extent, _stand(world).since) == (Extent.EVERYONE, hours[2])


@pytest.mark.django_db
def test_standing__of_a_site_kept_off_and_given_back__is_everyone_since_then(world: World) -> None:
    flag, lyon = world.flags[0], world.sites[0]
    place: dict[str, Any] = {"flag_id": flag.pk, "environment_id": world.environment.pk, **BY}
    hours = [NOW + timedelta(hours=n) for n in range(3)]
    switch_on(**place, now=hours[0])
    shut_site(**place, site_id=lyon.pk, phase="taken_back", origin="rollout:1:1:shut", now=hours[1])
    assert (_stand(world).extent, _stand(world).reached.but) == (Extent.EVERYONE, ["lyon"])

    audience = RuleAudience.for_site(lyon.pk)
    lift_rule(**_common(world, flag, audience) | {"origin": "rollout:1:1:shut"}, phase="taken_back", now=hours[2])

    assert (_stand(world).reached.but, _stand(world).since) == ([], hours[2])


@pytest.mark.django_db
def test_standing__of_a_variable__says_that_it_decides(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG__STAGING__BUTTONS", "on")
    assert _stand(world).extent is Extent.VARIABLE

    monkeypatch.setenv("FLAG__STAGING__BUTTONS", "off")
    assert _stand(world).extent is Extent.OFF
