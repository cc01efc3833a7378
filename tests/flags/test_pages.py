"""Pages of flags: found, made, changed, switched; rules looked at before they are added."""

from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from core import clock
from core.actors import DEMO
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Criticality, Environment, Flag, FlagState, Rule
from flags.transitions import archive_flag, create_till, kill_flag, switch_on
from flags.variant_forms import PLAIN
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.world import make_rehearsal, make_world, play
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": clock.now()}
NEW = PLAIN | {"value_type": "boolean", "default_line": "1", "off_line": "1"}
ABOUT = {"name": "Buttons", "criticality": "critical", "reason": "New screen"}


@pytest.fixture
def environment() -> Environment:
    return make_environment(key="prod", is_production=True)


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag(key="buttons", name="Buttons")


def test_new_flag__a_whole_form__makes_it_off_everywhere(environment: Environment) -> None:
    answer = sign_in().post("/new-flag/", ABOUT | NEW | {"key": "buttons", "owner": "Till team"})

    assert (answer.status_code, answer["location"]) == (302, "/flags/buttons/")
    flag = Flag.objects.get()
    assert (flag.owner, flag.criticality, flag.variants) == (
        "Till team",
        Criticality.CRITICAL,
        {"on": True, "off": False},
    )
    assert [state.is_on for state in flag.states.all()] == [False]
    assert flag.history.get().history_change_reason == "New screen"


@pytest.mark.parametrize(
    "change",
    [
        {"key": ""},
        {"key": "with space"},
        {"key": "buttons"},
        {"name": ""},
        {"criticality": "fatal"},
        {"documentation_url": "javascript:alert(1)"},
        {"expires_on": "someday"},
        {"reason": " "},
    ],
)
def test_new_flag__wrong_input__is_said_and_what_was_typed_stays(flag: Flag, change: dict[str, str]) -> None:
    answer = sign_in().post("/new-flag/", ABOUT | NEW | {"key": "other", "owner": "Till team"} | change)

    assert answer.status_code == 400
    page = answer.content.decode()
    assert "errorlist" in page
    assert "Till team" in page
    assert Flag.objects.count() == 1


def test_edit_flag__a_whole_form__changes_it_and_says_why(flag: Flag) -> None:
    client = sign_in()
    version = read_version(client, "/flags/buttons/edit/")

    client.post("/flags/buttons/edit/", ABOUT | {"name": "Big buttons", "version": version, "reason": "Clearer"})

    flag.refresh_from_db()
    assert (flag.name, flag.key) == ("Big buttons", "buttons")
    assert flag.history.latest().history_change_reason == "Clearer"


def test_edit_flag__somebody_was_faster__is_told_and_nothing_is_lost(flag: Flag) -> None:
    client = sign_in()
    version = read_version(client, "/flags/buttons/edit/")
    client.post("/flags/buttons/edit/", ABOUT | {"name": "First", "version": version})

    answer = client.post("/flags/buttons/edit/", ABOUT | {"name": "Second", "version": version})

    assert answer.status_code == 400
    assert 'value="Second"' in answer.content.decode()
    flag.refresh_from_db()
    assert flag.name == "First"


def test_archive__a_flag_that_is_on__is_refused_and_says_where(flag: Flag, environment: Environment) -> None:
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)

    answer = sign_in().post("/flags/buttons/shelf/archive/", {"reason": "Done with"})

    assert answer.status_code == 409
    assert "prod" in answer.content.decode()
    flag.refresh_from_db()
    assert flag.archived_at is None


def test_archive__a_flag_of_a_rollout_under_way__is_refused() -> None:
    world = make_world(now=clock.now())
    make_rehearsal(world, now=clock.now())

    answer = sign_in().post(f"/flags/{world.flags[0].key}/shelf/archive/", {"reason": "Done with"})

    assert answer.status_code == 409
    assert "1.3 → staging" in answer.content.decode()


def test_archive__off_everywhere__leaves_the_list_and_comes_back(flag: Flag) -> None:
    client = sign_in()

    client.post("/flags/buttons/shelf/archive/", {"reason": "Done with"})
    assert "/flags/buttons/" not in client.get("/flags/").content.decode()
    assert "/flags/buttons/" in client.get("/flags/?state=archived").content.decode()

    client.post("/flags/buttons/shelf/restore/", {"reason": "Not yet"})
    assert "/flags/buttons/" in client.get("/flags/").content.decode()


def test_archived_flag__switched_on__is_refused(flag: Flag, environment: Environment) -> None:
    archive_flag(flag_id=flag.pk, **BY)
    client = sign_in()

    answer = client.post(
        "/flags/buttons/switch/",
        {"environment": "prod", "to": "on", "reason": "x", "version": str(FlagState.history.get().history_id)},
    )

    assert answer.status_code == 409
    assert not FlagState.objects.get().is_on


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"buttons", "tickets"}),
        ("?q=butt", {"buttons"}),
        ("?q=TICK", {"tickets"}),
        ("?state=on", {"tickets"}),
        ("?state=off", {"buttons"}),
        ("?state=killed", set()),
        ("?state=nonsense", {"buttons", "tickets"}),
        ("?q=nothing", set()),
    ],
)
def test_list__filters__live_in_the_address(flag: Flag, environment: Environment, query: str, found: set[str]) -> None:
    tickets = make_flag(key="tickets", name="Tickets")
    switch_on(flag_id=tickets.pk, environment_id=environment.pk, **BY)

    page = sign_in().get(f"/flags/{query}")

    assert {row.flag.key for row in page.context["rows"]} == found


def _switch(client: Client, **given: str) -> int:
    wanted = {"environment": "prod", "reason": "Go"} | given
    return client.post("/flags/buttons/switch/", wanted).status_code


def test_switch__on_with_a_stale_page__is_refused_and_off_is_not(flag: Flag, environment: Environment) -> None:
    client = sign_in()
    version = read_version(client, "/flags/buttons/")
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)

    assert _switch(client, to="on", version=version) == 409
    assert FlagState.objects.get().is_killed
    assert _switch(client, to="off", version=version) == 302


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"to": "on"}, 409),
        ({"to": "on", "version": "x"}, 400),
        ({"to": "up"}, 404),
        ({"to": "off", "environment": "mars"}, 400),
        ({"to": "off", "reason": ""}, 400),
    ],
)
def test_switch__wrong_input__changes_nothing(flag: Flag, given: dict[str, str], status: int) -> None:
    assert _switch(sign_in(), **given) == status

    state = FlagState.objects.get()
    assert (state.is_on, state.is_killed) == (False, False)


def test_rule__looked_at__says_whom_in_numbers_and_writes_nothing(flag: Flag) -> None:
    site = make_site(name="Lyon")
    create_till(site_id=site.pk, key="lyon-1", name="Till 1", **BY)

    page = sign_in().get(f"/flags/buttons/rule/?environment=prod&audience=site:{site.pk}&variant=on")

    words = page.content.decode()
    assert page.status_code == 200
    assert "Lyon" in words
    assert "1 site, 1 till" in words
    assert not Rule.objects.exists()


def test_rule__added__stands_and_switches_on(flag: Flag, environment: Environment) -> None:
    client = sign_in()
    site = make_site()
    asked = {"environment": "prod", "audience": f"site:{site.pk}", "variant": "on"}
    version = read_version(client, f"/flags/buttons/rule/?environment=prod&audience=site:{site.pk}&variant=on")

    answer = client.post("/flags/buttons/rule/", asked | {"version": version, "reason": "Lyon asked", "do": "save"})

    assert answer.status_code == 302
    rule = Rule.objects.get()
    assert (rule.site, rule.origin, rule.history.get().history_change_reason) == (site, "", "Lyon asked")
    assert FlagState.objects.get().is_on


def test_rule__added_from_a_stale_page__is_refused(flag: Flag, environment: Environment) -> None:
    client = sign_in()
    asked = {"environment": "prod", "audience": "everyone", "variant": "on"}
    version = read_version(client, "/flags/buttons/rule/?environment=prod&audience=everyone&variant=on")
    make_rule(flag, environment, RuleAudience.for_site(make_site().pk))

    answer = client.post("/flags/buttons/rule/", asked | {"version": version, "reason": "x", "do": "save"})

    assert answer.status_code == 400
    assert "Somebody else changed this meanwhile." in answer.content.decode()
    assert Rule.objects.count() == 1


@pytest.mark.parametrize("query", ["", "environment=mars&audience=everyone&variant=on"])
def test_rule__nowhere__is_said_on_the_flags_page(flag: Flag, query: str) -> None:
    client = sign_in()

    answer = client.get(f"/flags/buttons/rule/?{query}", follow=True)

    assert answer.redirect_chain == [("/flags/buttons/", 302)]
    assert "Choose where, for whom and which variant." in answer.content.decode()
    assert client.post("/flags/buttons/rule/", {"reason": "x"}).status_code == 400


@pytest.mark.parametrize(
    "query", ["audience=site:999999&variant=on", "audience=site:x&variant=on", "audience=everyone&variant=purple"]
)
def test_rule__unclear__is_refused_beside_the_form(flag: Flag, query: str) -> None:
    answer = sign_in().get(f"/flags/buttons/rule/?environment=prod&{query}")

    assert answer.status_code == 400
    assert "Select a valid choice" in answer.content.decode()


def test_own_rules__moved_and_removed__in_their_order(flag: Flag, environment: Environment) -> None:
    client = sign_in()
    rules = [make_rule(flag, environment, RuleAudience.for_site(make_site().pk)) for _ in range(3)]

    def change(rule: Rule, action: str) -> list[int]:
        version = read_version(client, "/flags/buttons/")
        answer = client.post(f"/rules/{rule.pk}/{action}/", {"version": version, "reason": "Order"})
        assert answer.status_code == 302
        return [rule.pk for rule in Rule.objects.order_by("position")]

    first, second, third = rules
    assert change(third, "earlier") == [first.pk, third.pk, second.pk]
    assert change(first, "later") == [third.pk, first.pk, second.pk]
    assert change(third, "earlier") == [third.pk, first.pk, second.pk]
    assert change(first, "remove") == [third.pk, second.pk]


def test_rollouts_rule__changed_by_hand__is_refused_and_the_page_names_the_rollout() -> None:
    start = clock.now()
    world = make_world(now=start)
    rollout = make_rehearsal(world, now=start)
    play(world, rollout, start=start, seconds=40)
    rule = Rule.objects.select_related("state__flag").first()
    assert rule is not None
    client = sign_in()
    path = f"/flags/{rule.state.flag.key}/"

    page = client.get(path).content.decode()
    answer = client.post(f"/rules/{rule.pk}/remove/", {"version": "0", "reason": "x"})

    assert f'href="/rollouts/{rollout.pk}/"' in page
    assert "1.3 → staging" in page
    assert answer.status_code == 409
    assert Rule.objects.filter(pk=rule.pk).exists()


@pytest.mark.parametrize("path", ["/new-flag/", "/flags/buttons/edit/", "/flags/buttons/rule/"])
def test_pages__support__may_look_and_not_change(flag: Flag, path: str) -> None:
    client = sign_in(Role.SUPPORT)

    assert client.get(path).status_code == 403
    assert client.post(path, ABOUT).status_code == 403
    page = client.get("/flags/buttons/").content.decode()
    assert 'name="reason"' not in page


def test_detail__cut_with_rules__says_that_they_wait(flag: Flag, environment: Environment) -> None:
    make_rule(flag, environment, RuleAudience.everyone())
    client = sign_in()
    words = "Everyone gets “off”. These rules wait until somebody switches it on:"
    assert words not in client.get("/flags/buttons/").content.decode()

    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)

    assert words in client.get("/flags/buttons/").content.decode()


def test_detail__history_in_french__is_french(flag: Flag, environment: Environment) -> None:
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)
    client = sign_in()
    client.cookies["django_language"] = "fr"

    assert "prod\u00a0: coupé" in client.get("/flags/buttons/").content.decode()


@pytest.mark.parametrize("rows", [2, 20])
def test_list__any_number_of_flags__takes_as_many_queries(
    rows: int, environment: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        make_flag()
    client = sign_in()
    client.get("/flags/")

    with django_assert_num_queries(LIST_QUERIES):
        client.get("/flags/")


@pytest.mark.parametrize("rows", [2, 20])
def test_detail__any_number_of_rules__takes_as_many_queries(
    rows: int, flag: Flag, environment: Environment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        make_rule(flag, environment, RuleAudience.for_site(make_site().pk))
    client = sign_in()
    client.get("/flags/buttons/")

    with django_assert_num_queries(DETAIL_QUERIES):
        client.get("/flags/buttons/")


#: Session, person and roles, frame; then the page's own.
LIST_QUERIES = 13
DETAIL_QUERIES = 22


def _variants(*lines: tuple[str, str], value_type: str, default: str = "0", off: str = "1") -> dict[str, str]:
    data = {"value_type": value_type, "default_line": default, "off_line": off}
    data |= {"v-TOTAL_FORMS": str(len(lines)), "v-INITIAL_FORMS": "0"}
    for number, (name, value) in enumerate(lines):
        data |= {f"v-{number}-name": name, f"v-{number}-value": value}
    return data


@pytest.mark.parametrize(
    ("value_type", "lines", "values"),
    [
        ("string", [("blue", " a "), ("none", "")], {"blue": " a ", "none": ""}),
        ("integer", [("three", "3"), ("zero", "0")], {"three": 3, "zero": 0}),
        ("float", [("half", "0.5"), ("one", "1")], {"half": 0.5, "one": 1.0}),
        (
            "object",
            [("wide", '{"columns": [1, null]}'), ("plain", "{}")],
            {"wide": {"columns": [1, None]}, "plain": {}},
        ),
    ],
)
def test_new_flag__of_each_type__keeps_its_values(
    environment: Environment, value_type: str, lines: list[tuple[str, str]], values: dict[str, object]
) -> None:
    client = sign_in()
    asked = ABOUT | {"key": "typed"} | _variants(*lines, ("", ""), value_type=value_type)

    more = client.post("/new-flag/", asked | {"do": "more"})
    assert (more.status_code, len(more.context["form"].lines.forms)) == (200, 4)
    assert client.post("/new-flag/", asked).status_code == 302

    flag = Flag.objects.get(key="typed")
    assert (flag.values, flag.value_type) == (values, value_type)
    assert (flag.default_variant, flag.off_variant) == (lines[0][0], lines[1][0])
    assert client.get("/flags/typed/").status_code == 200


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (_variants(("a", "1.5"), ("b", "2"), value_type="integer"), "A whole number, e.g. 3."),
        (_variants(("a", "NaN"), ("b", "2"), value_type="float"), "A number, e.g. 0.5."),
        (_variants(("a", '{"x": 1e999}'), ("b", "{}"), value_type="object"), "An object in JSON"),
        (_variants(("a", '{"x": "\\ud800"}'), ("b", "{}"), value_type="object"), "An object in JSON"),
        (_variants(("a", '{"x": "\\u0000"}'), ("b", "{}"), value_type="object"), "An object in JSON"),
        (_variants(("a", "1" * 400), ("b", "2"), value_type="integer"), "A whole number, e.g. 3."),
        (_variants(("a", "1" * 400), ("b", "2"), value_type="float"), "A number, e.g. 0.5."),
        (_variants(("a", f'{{"x": [{"1" * 400}]}}'), ("b", "{}"), value_type="object"), "An object in JSON"),
        (_variants(("a", f'{{"x": {"[" * 20 + "]" * 20}}}'), ("b", "{}"), value_type="object"), "An object in JSON"),
        (_variants(("a", "x"), ("a", "y"), value_type="string"), "a name of its own"),
        (_variants(("a", "x"), value_type="string", off="0"), "at least two variants"),
        (_variants(("a", "x"), ("b", "y"), value_type="string", off="7"), "Choose which variant"),
        (_variants(("a", "x"), ("b", "y"), value_type="date"), "Select a valid choice"),
        (_variants(("*", "x"), ("b", "y"), value_type="string"), "Some variants are not clear yet."),
    ],
)
def test_new_flag__variants_unclear__are_said_and_nothing_is_made(
    environment: Environment, given: dict[str, str], words: str
) -> None:
    answer = sign_in().post("/new-flag/", ABOUT | {"key": "typed"} | given)

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not Flag.objects.exists()
