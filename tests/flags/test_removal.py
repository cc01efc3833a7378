"""Flags that are to be removed: listed with what stands in the way, archived, kept on purpose."""

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.models import Environment, Flag, FlagState
from flags.removal_queries import count_removable, list_removal_rows
from flags.transitions import archive_flag, create_flag, keep_flag, restore_flag, switch_on
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.factories.world import make_rehearsal, make_world
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db

NOW = clock.now()
LONG_AGO = NOW - timedelta(days=90)
BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
OLD: dict[str, Any] = BY | {"now": LONG_AGO}


@pytest.fixture
def prod() -> Environment:
    return make_environment(key="prod", is_production=True, now=LONG_AGO)


def _make_stale(prod: Environment, **given: Any) -> Flag:
    flag = make_flag(now=LONG_AGO, **given)
    switch_on(flag_id=flag.pk, environment_id=prod.pk, **OLD)
    return flag


def test_rows__stale_and_expired__stand_in_the_order_of_their_days(prod: Environment) -> None:
    stale = _make_stale(prod, key="stale")
    expired = make_flag(key="expired", expires_on=LONG_AGO.date())
    make_flag(key="young", expires_on=NOW.date() + timedelta(days=9))

    rows = list_removal_rows(now=NOW)

    assert [row.flag for row in rows] == [expired, stale]
    assert [(row.places, row.can_go) for row in rows] == [([], True), (["prod"], True)]
    assert count_removable(now=NOW) == 2


def test_rows__people_with_different_variants__are_named(prod: Environment) -> None:
    flag = make_flag(expires_on=LONG_AGO.date())
    make_rule(flag, prod, RuleAudience.for_site(make_site().pk))

    [row] = list_removal_rows(now=NOW)

    assert (row.places, row.divided, row.can_go) == (["prod"], ["prod"], False)


def test_rows__a_rollout_that_has_not_ended__is_named() -> None:
    world = make_world(now=NOW)
    Flag.objects.filter(pk=world.flags[0].pk).update(expires_on=LONG_AGO.date())
    make_rehearsal(world, now=NOW)

    [row] = list_removal_rows(now=NOW)

    assert (row.uses, row.can_go) == (["1.3 → staging"], False)


@pytest.mark.parametrize("count", [2, 20])
def test_page__more_rows__asks_no_more(
    prod: Environment, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        _make_stale(prod)
    client = sign_in()
    client.get("/flags/removal/")

    with django_assert_num_queries(PAGE_QUERIES):
        page = client.get("/flags/removal/")

    assert len(page.context["rows"]) == count


#: Session, person and roles, frame; then flags, five for their lives, rollouts, states and rules.
PAGE_QUERIES = 15


def test_archive__on_for_everybody__asks_that_nobody_asks_for_it_and_comes_back_as_it_was(prod: Environment) -> None:
    flag = _make_stale(prod)
    with pytest.raises(Refusal) as refused:
        archive_flag(flag_id=flag.pk, **BY)
    assert refused.value.code == "flag_in_use"

    assert archive_flag(flag_id=flag.pk, is_unasked=True, **BY)

    assert list_removal_rows(now=NOW) == []
    restore_flag(flag_id=flag.pk, **BY)
    state = FlagState.objects.get()
    assert (state.is_on, state.rules.count()) == (True, 1)


def test_explain__archived_while_on__says_that_nobody_gets_it(prod: Environment) -> None:
    flag = _make_stale(prod, key="buttons")
    archive_flag(flag_id=flag.pk, is_unasked=True, **BY)

    page = sign_in().get("/flags/buttons/explain/?environment=prod").content.decode()

    assert "What follows would hold once it is restored." in page


def test_archive__different_variants__is_refused_whatever_is_said(prod: Environment) -> None:
    flag = make_flag()
    make_rule(flag, prod, RuleAudience.for_site(make_site().pk))

    with pytest.raises(Refusal) as refused:
        archive_flag(flag_id=flag.pk, is_unasked=True, **BY)

    assert refused.value.data["uses"] == "prod"


def test_keep__with_its_reason__leaves_the_list_for_good(prod: Environment) -> None:
    flag = _make_stale(prod, expires_on=date(2026, 1, 1))

    assert keep_flag(flag_id=flag.pk, **(BY | {"reason": "Needed in trouble"}))
    assert not keep_flag(flag_id=flag.pk, **BY)

    flag.refresh_from_db()
    assert (flag.is_permanent, flag.expires_on) == (True, None)
    assert flag.history.latest().history_change_reason == "Needed in trouble"
    assert count_removable(now=NOW) == 0


def test_page__read_in_both_languages__says_who_owns_it_and_the_list_counts(prod: Environment) -> None:
    _make_stale(prod, key="buttons", owner="Till team")
    client = sign_in()

    page = client.get("/flags/removal/").content.decode()
    french = client.get("/flags/removal/", headers={"accept-language": "fr"}).content.decode()

    assert "Till team" in page
    assert "No program asks for it any more" in page
    assert "Plus aucun programme ne le demande" in french
    assert "1 flag can be removed" in client.get("/flags/").content.decode()


def test_page__a_reader_without_the_right__sees_no_buttons(prod: Environment) -> None:
    _make_stale(prod, key="buttons")

    page = sign_in(Role.SUPPORT).get("/flags/removal/").content.decode()

    assert "buttons" in page
    assert "/shelf/archive/" not in page


def test_page__archive_and_keep__lead_back_to_the_list(prod: Environment) -> None:
    for key in ("one", "other"):
        _make_stale(prod, key=key)
    client = sign_in()

    archived = client.post("/flags/one/shelf/archive/", {"reason": "Gone", "is_unasked": "on", "back": "removal"})
    kept = client.post("/flags/other/keep/", {"reason": "Needed in trouble"})

    assert {archived["location"], kept["location"]} == {"/flags/removal/"}
    assert "Nothing is to be removed" in client.get("/flags/removal/").content.decode()


def test_create__a_key_that_is_an_address__is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        create_flag(key="removal", name="Removal", **BY)

    assert refused.value.code == "key_reserved"
