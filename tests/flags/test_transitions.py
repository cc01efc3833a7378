"""Writes to flags: what they refuse, what they record, and two at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from flags.domain.audience import RuleAudience
from flags.models import Environment, Flag, FlagState, Rule, Segment
from flags.transitions import (
    NewMember,
    add_rule,
    create_flag,
    create_segment,
    create_site,
    create_till,
    kill_flag,
    release_flag,
    remove_rule,
    remove_rules,
    shut_site,
    switch_off,
    switch_on,
)
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
SWITCHES: list[Callable[..., bool]] = [kill_flag, release_flag, switch_on, switch_off]


@pytest.fixture
def environment() -> Environment:
    return make_environment()


@pytest.fixture
def flag(environment: Environment) -> Flag:
    return make_flag()


def _add(flag: Flag, environment: Environment, audience: RuleAudience, **given: Any) -> Rule:
    wanted: dict[str, Any] = {"variant": "on", "phase": "", "origin": ""}
    return add_rule(flag_id=flag.pk, environment_id=environment.pk, audience=audience, **(wanted | BY | given))


@pytest.mark.django_db
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(("change", "code"), [({"reason": "  "}, "reason_missing"), ({"flag_id": 0}, "flag_unknown")])
def test_switch__wrong_input__is_refused_and_leaves_no_trace(
    switch: Callable[..., bool], change: dict[str, Any], code: str, flag: Flag, environment: Environment
) -> None:
    state = FlagState.objects.get()

    with pytest.raises(InvalidInput) as refused:
        switch(**({"flag_id": flag.pk, "environment_id": environment.pk} | BY | change))

    assert refused.value.code == code
    assert state.history.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "switch"), [([], kill_flag), ([kill_flag], release_flag), ([], switch_on), ([switch_on], switch_off)]
)
def test_switch__twice__changes_and_records_once(
    before: list[Callable[..., bool]], switch: Callable[..., bool], flag: Flag, environment: Environment
) -> None:
    where = {"flag_id": flag.pk, "environment_id": environment.pk}
    for one in before:
        one(**where, **BY)
    state = FlagState.objects.get()
    recorded = state.history.count()

    assert switch(**where, **(BY | {"reason": "Because"}))
    assert not switch(**where, **BY)

    newest = state.history.latest()
    assert state.history.count() == recorded + 1
    assert (newest.history_change_reason, newest.actor_label) == ("Because", DEMO.label)


@pytest.mark.django_db
def test_switch_on__killed__lifts_the_kill_and_keeps_the_rules(flag: Flag, environment: Environment) -> None:
    rule = _add(flag, environment, RuleAudience.for_site(make_site().pk))
    kill_flag(flag_id=flag.pk, environment_id=environment.pk, **BY)

    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)

    state = FlagState.objects.get()
    assert (state.is_on, state.is_killed, state.kill_reason) == (True, False, "")
    assert list(state.rules.all()) == [rule]


@pytest.mark.django_db
def test_switch_on__without_rules__is_on_for_everyone(flag: Flag, environment: Environment) -> None:
    switch_on(flag_id=flag.pk, environment_id=environment.pk, **BY)

    assert [(rule.kind, rule.variant) for rule in Rule.objects.all()] == [("everyone", "on")]


@pytest.mark.django_db
def test_add_rule__the_same_twice__is_one(flag: Flag, environment: Environment) -> None:
    site = make_site()

    first = _add(flag, environment, RuleAudience.for_site(site.pk))

    assert _add(flag, environment, RuleAudience.for_site(site.pk)) == first
    assert Rule.objects.count() == 1


@pytest.mark.django_db
def test_add_rule__another__stands_after_the_last_even_with_a_gap(flag: Flag, environment: Environment) -> None:
    rules = [_add(flag, environment, RuleAudience.for_site(make_site().pk)) for _ in range(3)]
    remove_rule(rule_id=rules[1].pk, **BY)

    newest = _add(flag, environment, RuleAudience.everyone())

    assert [rule.position for rule in Rule.objects.all()] == [1, 3, 4]
    assert newest.position == 4


@pytest.mark.django_db
def test_add_rule__an_unknown_variant__is_refused(flag: Flag, environment: Environment) -> None:
    with pytest.raises(InvalidInput) as refused:
        _add(flag, environment, RuleAudience.everyone(), variant="purple")

    assert refused.value.code == "variant_unknown"
    assert not FlagState.objects.get().is_on


@pytest.mark.django_db
def test_remove_rule__gone_already__says_so(flag: Flag, environment: Environment) -> None:
    rule = _add(flag, environment, RuleAudience.everyone())
    remove_rule(rule_id=rule.pk, **BY)

    with pytest.raises(Refusal) as refused:
        remove_rule(rule_id=rule.pk, **BY)

    assert refused.value.code == "changed_meanwhile"


@pytest.mark.django_db
def test_remove_rules__of_one_origin__leaves_the_others(flag: Flag, environment: Environment) -> None:
    _add(flag, environment, RuleAudience.for_site(make_site().pk), origin="rollout:1:1")
    kept = _add(flag, environment, RuleAudience.for_site(make_site().pk), origin="rollout:11:1")

    removed = remove_rules(flag_id=flag.pk, environment_id=environment.pk, origin_prefix="rollout:1:", **BY)

    assert removed == 1
    assert list(Rule.objects.all()) == [kept]


def _shut(flag: Flag, environment: Environment) -> tuple[int, list[int], Rule]:
    """Shut a site above all rules; return how many queries it took, the others in their order, and its rule."""
    site = make_site()
    given = {"flag_id": flag.pk, "environment_id": environment.pk, "site_id": site.pk}
    with CaptureQueriesContext(connection) as queries:
        rule = shut_site(**given, phase="taken_back", origin="rollout:1:1:shut", **BY)  # type: ignore[arg-type]
    others = Rule.objects.filter(state__flag=flag, origin="").order_by("position")
    return len(queries), list(others.values_list("pk", flat=True)), rule


@pytest.mark.django_db
def test_shut_site__thirty_rules__takes_as_many_queries_as_three(flag: Flag, environment: Environment) -> None:
    laid = [_add(flag, environment, RuleAudience.for_site(make_site().pk)).pk for _ in range(3)]
    few, others, _rule = _shut(flag, environment)
    assert others == laid
    laid += [_add(flag, environment, RuleAudience.for_site(make_site().pk)).pk for _ in range(27)]

    many, others, rule = _shut(flag, environment)

    assert (many, others, rule.position) == (few, laid, 1)
    moved = Rule.objects.get(pk=laid[0])
    assert moved.position == 3
    assert [row.position for row in moved.history.order_by("history_id")] == [1, 2, 3]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "given",
    [
        {"key": ""},
        {"key": "with space"},
        {"key": "é"},
        {"key": "x" * 101},
        {"key": "-begins"},
        {"name": ""},
        {"criticality": "fatal"},
        {"documentation_url": "javascript:alert(1)"},
        {"default_variant": "purple"},
        {"off_variant": "purple"},
    ],
)
def test_create_flag__wrong_values__are_refused_and_make_nothing(given: dict[str, Any]) -> None:
    make_environment()

    with pytest.raises(InvalidInput):
        create_flag(**({"key": "buttons", "name": "Buttons"} | BY | given))

    assert not Flag.objects.exists()
    assert not FlagState.objects.exists()


@pytest.mark.django_db
def test_create_flag__a_taken_key__is_refused() -> None:
    create_flag(key="buttons", name="Buttons", **BY)

    with pytest.raises(InvalidInput):
        create_flag(key="buttons", name="Others", **BY)

    assert Flag.objects.get().name == "Buttons"


@pytest.mark.django_db
def test_create_flag__and_environment__meet_in_off_states() -> None:
    before = make_environment()
    flag = make_flag()
    after = make_environment()

    states = FlagState.objects.filter(flag=flag)
    assert {(state.environment, state.is_on, state.is_killed) for state in states} == {
        (before, False, False),
        (after, False, False),
    }


@pytest.mark.django_db
@pytest.mark.parametrize("days", [[], [0], [8], [1, 9]])
def test_create_site__impossible_weekdays__are_refused(days: list[int]) -> None:
    with pytest.raises(InvalidInput):
        create_site(key="lyon", name="Lyon", city="Lyon", opening_weekdays=days, **BY)


@pytest.mark.django_db
def test_create_till__of_an_unknown_site__is_refused() -> None:
    with pytest.raises(InvalidInput):
        create_till(site_id=10**9, key="t1", name="Till 1", **BY)


@pytest.mark.django_db
@pytest.mark.parametrize("members", [[NewMember("ana"), NewMember("ana")], [NewMember("")]])
def test_create_segment__a_wrong_person__makes_no_half_segment(members: list[NewMember]) -> None:
    with pytest.raises(InvalidInput):
        create_segment(key="pilots", name="Pilots", members=members, **BY)

    assert not Segment.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_kill_flag__four_at_once__one_sets_it_and_the_rest_are_told(flag: Flag, environment: Environment) -> None:
    def work(number: int) -> bool:
        try:
            by = BY | {"reason": f"person {number}"}
            return kill_flag(flag_id=flag.pk, environment_id=environment.pk, **by)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, range(4))) == [False, False, False, True]
    assert FlagState.objects.get().history.count() == 2


@pytest.mark.django_db(transaction=True)
def test_add_rule__four_at_once__get_four_positions(flag: Flag, environment: Environment) -> None:
    sites = [make_site() for _ in range(4)]

    def work(pk: int) -> int:
        try:
            return _add(flag, environment, RuleAudience.for_site(pk)).position
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(work, [site.pk for site in sites])) == [1, 2, 3, 4]


@pytest.mark.django_db(transaction=True)
def test_add_rule__the_same_from_four_at_once__is_one(flag: Flag, environment: Environment) -> None:
    site = make_site()

    def work(_: int) -> int:
        try:
            return _add(flag, environment, RuleAudience.for_site(site.pk)).pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(4)))) == 1
    assert Rule.objects.count() == 1
