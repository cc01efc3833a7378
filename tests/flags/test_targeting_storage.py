"""Conditions, splits and typed variants as rows: what is stored is what is served, and what is refused."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from flags.domain.audience import RuleAudience, RuleKind
from flags.domain.conditions import Condition, Operator
from flags.domain.definition import FlagDefinition, RuleDefinition, Split
from flags.domain.evaluation import compile_flag
from flags.domain.values import ValueType
from flags.models import Environment, Flag, Rule
from flags.queries import get_revisions, get_state_version, load_environment
from flags.transitions import NewMember, create_segment, edit_rule, edit_segment
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.targeting import VARIANTS, random_rule

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
NEW_TILLS = (Condition("app_version", Operator.VERSION_AT_LEAST, "1.3.0"),)
QUARTER: Split = (("on", 2_500), ("off", 7_500))
TYPES = [ValueType.BOOLEAN, ValueType.STRING, ValueType.INTEGER, ValueType.FLOAT, ValueType.OBJECT]


@pytest.fixture
def environment(db: None) -> Environment:
    return make_environment()


def _serve(environment: Environment, flag: Flag) -> FlagDefinition:
    return load_environment(environment.pk).flags[flag.key]


def _store(rule: RuleDefinition, *, number: int) -> RuleAudience:
    """Return the audience of a rule's value, its site or segment made where it names one."""
    if rule.kind is RuleKind.SITE:
        return RuleAudience.for_site(make_site(key=f"s-{number}").pk)
    if rule.kind is RuleKind.SEGMENT:
        members = [NewMember(key) for key in sorted(rule.people)]
        segment = create_segment(
            key=f"g-{number}", name=f"Group {number}", members=members, conditions=rule.conditions, **BY
        )
        return RuleAudience.for_segment(segment.pk)
    return RuleAudience(rule.kind, conditions=rule.conditions)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("value_type", "variants"), list(zip(TYPES, VARIANTS, strict=True)))
def test_rules__of_every_kind__are_served_as_they_were_meant(
    value_type: ValueType, variants: dict[str, object]
) -> None:
    chance = random.Random(f"rules of {value_type}")
    environment = make_environment()
    names = list(variants)
    flag = make_flag(value_type=value_type, variants=variants, default_variant=names[0], off_variant=names[1])
    wanted = [random_rule(chance, names) for _ in range(12)]
    for number, rule in enumerate(wanted):
        audience = _store(rule, number=number)
        make_rule(flag, environment, audience, variant=rule.variant, split=rule.split)

    served = _serve(environment, flag)

    assert [(type(value), value) for value in served.variants.values()] == [
        (type(variants[name]), variants[name]) for name in served.variants
    ]
    told = [(rule.kind, rule.variant, rule.split, rule.people, rule.conditions) for rule in served.rules]
    meant = [(rule.kind, rule.variant, rule.split, rule.people, rule.conditions) for rule in wanted]
    # The same rule twice is one; each site and segment here is a new one.
    is_new = [one[0] in {"site", "segment"} or one not in meant[:number] for number, one in enumerate(meant)]
    assert told == [one for one, is_kept in zip(meant, is_new, strict=True) if is_kept]


@pytest.mark.django_db(transaction=True)
def test_segment__conditions_edited__reach_clients_at_once(environment: Environment) -> None:
    flag = make_flag()
    segment = create_segment(key="new", name="New tills", members=[], conditions=NEW_TILLS, **BY)
    make_rule(flag, environment, RuleAudience.for_segment(segment.pk))
    before = get_revisions()[environment.pk]
    assert compile_flag(_serve(environment, flag))({"app_version": "1.3.1"}).value is True

    newer = (Condition("app_version", Operator.VERSION_AT_LEAST, "1.4.0"),)
    edit_segment(segment_id=segment.pk, name="New tills", description="", conditions=newer, **BY)

    assert compile_flag(_serve(environment, flag))({"app_version": "1.3.1"}).value is False
    assert get_revisions()[environment.pk] > before


@pytest.mark.django_db(transaction=True)
def test_edit_rule__a_larger_share__keeps_everybody_it_had(environment: Environment) -> None:
    flag = make_flag()
    rule = make_rule(flag, environment, RuleAudience.everyone(), variant="", split=QUARTER)
    people = [{"targetingKey": f"ana-{number}"} for number in range(400)]

    def count() -> set[str]:
        evaluate = compile_flag(_serve(environment, flag))
        return {one["targetingKey"] for one in people if evaluate(one).value}

    quarter = count()
    later = NOW + timedelta(hours=1)
    half: Split = (("on", 5_000), ("off", 5_000))
    edit_rule(rule_id=rule.pk, audience=RuleAudience.everyone(), variant="", split=half, **(BY | {"now": later}))

    assert quarter < count()
    assert Rule.objects.get().since == later
    assert Rule.history.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "split",
    [
        (("on", 2_500), ("off", 7_499)),
        (("on", 5_000), ("on", 5_000)),
        (("purple", 10_000),),
        (("on", -1), ("off", 10_001)),
        (),
    ],
)
def test_add_rule__a_split_that_is_none__is_refused(environment: Environment, split: Split) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_rule(make_flag(), environment, RuleAudience.everyone(), variant="", split=split)

    assert refused.value.code == "split_not_whole"
    assert not Rule.objects.exists()


@pytest.mark.django_db
def test_edit_rule__of_a_rollout__is_refused(environment: Environment) -> None:
    rule = make_rule(make_flag(), environment, RuleAudience.everyone(), origin="rollout:1:1")

    with pytest.raises(Refusal) as refused:
        edit_rule(rule_id=rule.pk, audience=RuleAudience.everyone(), variant="off", split=(), **BY)

    assert refused.value.code == "rule_of_rollout"


@pytest.mark.django_db
def test_create_flag__a_value_of_another_type__is_refused_and_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        make_flag(value_type=ValueType.INTEGER, variants={"on": 1, "off": 0.5})

    assert refused.value.code == "variant_not_typed"
    assert refused.value.data == {"variant": "off", "type": "integer"}
    assert not Flag.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("flags_flag", """variants = '{"on": true, "off": 0}'"""),
        ("flags_flag", """variants = '["on", "off"]'"""),
        ("flags_flag", "value_type = 'integer'"),
        ("flags_flag", "value_type = 'date'"),
        ("flags_rule", """split = '[["on", 5000]]'"""),
        ("flags_rule", """variant = '', split = '[["on", 9999]]'"""),
        ("flags_rule", """variant = '', split = '[]'"""),
        ("flags_rule", "kind = 'conditions'"),
        ("flags_rule", """kind = 'conditions', conditions = '{"attribute": "a"}'"""),
        ("flags_rule", """conditions = '[{"attribute": "a"}]'"""),
        ("flags_segment", """conditions = '{"attribute": "a"}'"""),
    ],
)
def test_database__half_a_rule_or_flag__is_refused(environment: Environment, table: str, change: str) -> None:
    make_rule(make_flag(), environment, RuleAudience.everyone())
    create_segment(key="g", name="Group", members=[], **BY)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change}")


@pytest.mark.django_db(transaction=True)
def test_edit_rule__two_at_once__the_second_is_told(environment: Environment) -> None:
    rule = make_rule(make_flag(), environment, RuleAudience.everyone(), variant="", split=QUARTER)
    from_page = get_state_version(rule.state)

    def grow(weight: int) -> str:
        try:
            edit_rule(
                rule_id=rule.pk,
                audience=RuleAudience.everyone(),
                variant="",
                split=(("on", weight), ("off", 10_000 - weight)),
                seen_version=from_page,
                **BY,
            )
        except Refusal as refusal:
            return refusal.code
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(grow, [3_000, 4_000]))

    assert outcomes == ["changed_meanwhile", "done"]


@pytest.mark.django_db
def test_add_rule__the_same_conditions__are_the_same_rule(environment: Environment) -> None:
    flag = make_flag()
    first = make_rule(flag, environment, RuleAudience.where(NEW_TILLS))

    assert make_rule(flag, environment, RuleAudience.where(NEW_TILLS)) == first
    assert make_rule(flag, environment, RuleAudience.where(NEW_TILLS), variant="", split=QUARTER) != first
