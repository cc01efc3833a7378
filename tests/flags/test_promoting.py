"""Rules promoted from one environment to another: written once, as they were seen, and shown before."""

import re
from functools import partial
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.domain.conditions import Condition, Operator
from flags.models import Environment, EnvironmentRevision, Flag, FlagState, Rule
from flags.queries import get_state_version
from flags.transitions import archive_flag, create_till, kill_flag, promote_rules, switch_off
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.world import make_rehearsal, make_world
from tests.signed_in import sign_in
from tests.waiting import race

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
NEW = RuleAudience.where((Condition("app_version", Operator.VERSION_AT_LEAST, "1.3.0"),))
PATH = "/flags/buttons/promote/"


@pytest.fixture
def places() -> tuple[Environment, Environment]:
    return make_environment(key="staging", position=1), make_environment(key="prod", position=2, is_production=True)


@pytest.fixture
def flag(places: tuple[Environment, Environment]) -> Flag:
    """A flag with three rules in staging: for a site, for conditions, and one of a rollout."""
    flag = make_flag(key="buttons", name="Buttons")
    site = make_site(key="lyon", name="Lyon")
    for number in (1, 2):
        create_till(site_id=site.pk, key=f"lyon-{number}", name=f"Till {number}", **BY)
    make_rule(flag, places[0], RuleAudience.for_site(site.pk))
    make_rule(flag, places[0], NEW, variant="", split=(("on", 2_500), ("off", 7_500)))
    make_rule(flag, places[0], RuleAudience.everyone(), origin="rollout:7:1")
    return flag


def _seen(flag: Flag, source: Environment, target: Environment) -> dict[str, Any]:
    states = {state.environment_id: state for state in flag.states.all()}
    return {
        "flag_id": flag.pk,
        "source_id": source.pk,
        "target_id": target.pk,
        "seen_source_version": get_state_version(states[source.pk]),
        "seen_target_version": get_state_version(states[target.pk]),
    }


def _rules(environment: Environment) -> list[tuple[str, str, str]]:
    rows = Rule.objects.filter(state__environment=environment).order_by("position")
    return [(rule.kind, rule.variant, rule.origin) for rule in rows]


def test_promote__what_people_laid__is_there_in_order_and_on(
    flag: Flag, places: tuple[Environment, Environment]
) -> None:
    gone = make_rule(flag, places[1], RuleAudience.everyone(), variant="off")

    assert promote_rules(**_seen(flag, *places), **(BY | {"reason": "Tried in staging"}))

    assert _rules(places[1]) == [("site", "on", ""), ("conditions", "", "")]
    state = FlagState.objects.get(environment=places[1])
    assert (state.is_on, state.rules.get(kind="conditions").pieces) == (True, (("on", 2_500), ("off", 7_500)))
    assert Rule.history.filter(id=gone.pk, history_type="-").get().history_change_reason == "Tried in staging"
    assert len(_rules(places[0])) == 3
    assert not promote_rules(**_seen(flag, *places), **BY)


def test_promote__a_rule_that_says_the_same__keeps_its_row_and_since(
    flag: Flag, places: tuple[Environment, Environment]
) -> None:
    kept = make_rule(flag, places[1], NEW, variant="", split=(("on", 2_500), ("off", 7_500)))
    theirs = make_rule(flag, places[1], RuleAudience.everyone(), origin="rollout:3:1")

    promote_rules(**_seen(flag, *places), **BY)

    ids = list(Rule.objects.filter(state__environment=places[1]).order_by("position").values_list("pk", flat=True))
    assert ids[1:] == [theirs.pk, kept.pk]
    assert theirs.history.count() == 1


def test_promote__kill_switches__stay_on_both_sides(flag: Flag, places: tuple[Environment, Environment]) -> None:
    for place in places:
        kill_flag(flag_id=flag.pk, environment_id=place.pk, **BY)

    promote_rules(**_seen(flag, *places), **BY)

    assert [state.is_killed for state in FlagState.objects.all()] == [True, True]
    assert len(_rules(places[1])) == 2


def test_promote__off__goes_over_too(flag: Flag, places: tuple[Environment, Environment]) -> None:
    promote_rules(**_seen(flag, *places), **BY)
    switch_off(flag_id=flag.pk, environment_id=places[0].pk, **BY)

    promote_rules(**_seen(flag, *places), **BY)

    assert not FlagState.objects.get(environment=places[1]).is_on


@pytest.mark.parametrize("side", [0, 1])
def test_promote__either_side_changed_since_it_was_seen__is_refused(
    flag: Flag, places: tuple[Environment, Environment], side: int
) -> None:
    seen = _seen(flag, *places)
    make_rule(flag, places[side], RuleAudience.everyone(), variant="off")
    before = _rules(places[1])

    with pytest.raises(Refusal) as refused:
        promote_rules(**seen, **BY)

    assert refused.value.code == "changed_meanwhile"
    assert _rules(places[1]) == before


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"target_id": 0}, "flag_unknown"),
        ({"flag_id": 0}, "flag_unknown"),
        ({"reason": " "}, "reason_missing"),
    ],
)
def test_promote__wrong_input__is_refused(
    flag: Flag, places: tuple[Environment, Environment], given: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        promote_rules(**(_seen(flag, *places) | BY | given))

    assert refused.value.code == code
    assert _rules(places[1]) == []


def test_promote__to_itself_or_of_an_archived_flag__is_refused(places: tuple[Environment, Environment]) -> None:
    flag = make_flag()
    with pytest.raises(InvalidInput) as alike:
        promote_rules(**_seen(flag, places[0], places[0]), **BY)
    archive_flag(flag_id=flag.pk, **BY)
    with pytest.raises(Refusal) as archived:
        promote_rules(**_seen(flag, *places), **BY)

    assert (alike.value.code, archived.value.code) == ("environments_alike", "flag_archived")


def test_promote__into_the_way_of_a_rollout__is_refused_and_the_page_says_so() -> None:
    world = make_world()
    source = make_environment(key="dev", position=0)
    rollout = make_rehearsal(world)
    flag = world.flags[0]
    make_rule(flag, source, RuleAudience.everyone())

    with pytest.raises(Refusal) as refused:
        promote_rules(**_seen(flag, source, world.environment), **BY)
    page = sign_in().get(f"/flags/{flag.key}/promote/?source=dev&target=staging").content.decode()

    assert (refused.value.code, refused.value.data["rollouts"]) == ("flag_driven", "1.3 → staging")
    assert f'href="/rollouts/{rollout.pk}/"' in page
    assert "Promote to staging" not in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("side", [0, 1])
def test_promote__while_somebody_lays_a_rule_on_either_side__waits_and_is_told(side: int) -> None:
    places = make_environment(), make_environment()
    flag = make_flag()
    make_rule(flag, places[0], RuleAudience.for_site(make_site().pk))

    ended = race(
        partial(make_rule, flag, places[side], RuleAudience.everyone()),
        partial(promote_rules, **_seen(flag, *places), **BY),
    )

    assert ended == "changed_meanwhile"
    assert len(_rules(places[1])) == side


@pytest.mark.django_db(transaction=True)
def test_promote__crosswise_at_once__one_waits_for_the_other() -> None:
    places = make_environment(), make_environment()
    flag = make_flag()
    make_rule(flag, places[0], RuleAudience.everyone())

    ended = race(
        partial(promote_rules, **_seen(flag, *places), **BY),
        partial(promote_rules, **_seen(flag, *reversed(places)), **BY),
    )

    assert ended == "changed_meanwhile"
    assert _rules(places[0]) == _rules(places[1]) == [("everyone", "on", "")]


@pytest.mark.django_db(transaction=True)
def test_promote__done__raises_the_revision_of_the_target_alone() -> None:
    places = make_environment(), make_environment()
    flag = make_flag()
    make_rule(flag, places[0], RuleAudience.everyone())
    before = dict(EnvironmentRevision.objects.values_list("environment", "revision"))

    promote_rules(**_seen(flag, *places), **BY)

    after = dict(EnvironmentRevision.objects.values_list("environment", "revision"))
    assert [after[place.pk] - before[place.pk] for place in places] == [0, 1]


def _hidden(client: Client, path: str) -> dict[str, str]:
    page = client.get(path).content.decode()
    names = ("source", "target", "source_version", "version")
    found = {name: re.search(rf'name="{name}"\s+value="([^"]+)"', page) for name in names}
    return {name: match[1] for name, match in found.items() if match}


def test_page__the_difference__is_said_in_sentences_and_numbers_then_written(
    flag: Flag, places: tuple[Environment, Environment]
) -> None:
    make_rule(flag, places[1], RuleAudience.everyone(), variant="off")
    client = sign_in()

    answer = client.get(PATH)
    page = answer.content.decode()
    data = _hidden(client, PATH)

    assert [line.sign for line in answer.context["view"].lines] == ["removed", "added", "added"]
    assert "Not taken over: a rollout laid it" in page
    assert "“off” becomes “on” for 2 tills" in page
    assert "Only a till that asks tells “app_version”" in page
    assert client.post(PATH, data | {"reason": "Tried"}).status_code == 302
    assert len(_rules(places[1])) == 2
    assert "Nothing differs" in client.get(PATH).content.decode()


def test_page__somebody_was_faster__shows_what_is_there_now_and_can_be_repeated(
    flag: Flag, places: tuple[Environment, Environment]
) -> None:
    client = sign_in()
    data = _hidden(client, PATH) | {"reason": "Tried"}
    make_rule(flag, places[1], RuleAudience.everyone(), variant="off")

    answer = client.post(PATH, data)

    assert answer.status_code == 400
    assert "Somebody else changed this meanwhile" in answer.content.decode()
    assert 'value="Tried"' in answer.content.decode()
    assert _rules(places[1]) == [("everyone", "off", "")]
    assert client.post(PATH, data | {"version": str(answer.context["view"].target_version)}).status_code == 302


def test_page__in_french_and_without_the_right__is_said_and_refused(
    flag: Flag, places: tuple[Environment, Environment]
) -> None:
    page = sign_in().get(PATH, headers={"accept-language": "fr"}).content.decode()

    assert "Promouvoir vers prod" in page
    assert "Ligne par ligne" in page
    assert sign_in(Role.SUPPORT).get(PATH).status_code == 403


@pytest.mark.parametrize("query", ["?source=staging&target=staging", "?source=nowhere", "?target=nowhere"])
def test_page__no_two_environments__asks_for_them(
    flag: Flag, places: tuple[Environment, Environment], query: str
) -> None:
    answer = sign_in().get(PATH + query)

    assert (answer.status_code, answer.context["view"]) == (400, None)


@pytest.mark.parametrize("count", [2, 20])
def test_page__more_rules__asks_no_more(
    places: tuple[Environment, Environment], count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    flag = make_flag(key="buttons")
    for _ in range(count):
        for place in places:
            make_rule(flag, place, RuleAudience.for_site(make_site().pk))
    client = sign_in()
    client.get(PATH)

    with django_assert_num_queries(PAGE_QUERIES):
        client.get(PATH)


#: Session, person and roles, frame; then the page's own.
PAGE_QUERIES = 25
