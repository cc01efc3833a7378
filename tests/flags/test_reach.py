"""Which tills have fetched a change: contacts, the revision of a state, and the count on the pages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django.fixtures import DjangoAssertNumQueries

from core.actors import DEMO
from flags import contacts
from flags.contacts import CONTACTS, TillContacts
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag, StateRevision, Till, TillContact
from flags.reach import Confirmation, confirm_flag, confirm_flags
from flags.snapshots import KEEPER
from flags.transitions import create_till, kill_flag, switch_on
from tests.asgi import ask
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_flag, make_site, make_token

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
LATER = NOW + timedelta(minutes=5)
ALL = "/ofrep/v1/evaluate/flags"


class Shop:
    """An environment, a flag, and tills that fetch."""

    def __init__(self, *, tills: int = 2) -> None:
        self.environment: Environment = make_environment()
        self.flag: Flag = make_flag()
        self.site = make_site(phone="02 61 91 00 14")
        self.tills: list[Till] = [
            create_till(site_id=self.site.pk, key=f"t{self.site.pk}-{n}", name=f"Till {n}", **BY) for n in range(tills)
        ]
        _token, self.raw = make_token(self.environment, purpose=Purpose.SERVER)
        KEEPER.refresh()

    def fetch(self, till: str, path: str = ALL) -> None:
        body = f'{{"context": {{"till": "{till}"}}}}'.encode()
        assert ask(path, method="POST", headers={"x-api-key": self.raw}, body=body).status == 200

    def kill(self) -> None:
        kill_flag(flag_id=self.flag.pk, environment_id=self.environment.pk, **BY)
        KEEPER.refresh()

    def confirm(self, *, now: datetime = LATER, **narrowed: Any) -> Confirmation:
        CONTACTS.flush()
        found = confirm_flags(environment_id=self.environment.pk, flag_ids=[self.flag.pk], now=now, **narrowed)
        return found[self.flag.pk]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr("core.clock.now", lambda: LATER)
    KEEPER.clear()
    monkeypatch.setattr(contacts.CONTACTS, "_new", {})
    monkeypatch.setattr(contacts.CONTACTS, "_written", {})
    yield Shop()
    KEEPER.clear()


def test_confirm__nobody_fetched__knows_no_till(shop: Shop) -> None:
    assert shop.confirm() == Confirmation(0, 0, [], shop.confirm().changed_at)


def test_confirm__one_till_fetched_after_the_change__names_the_silent_one_with_its_phone(shop: Shop) -> None:
    for till in shop.tills:
        shop.fetch(till.key)
    shop.kill()
    assert (shop.confirm().confirmed, shop.confirm().total) == (0, 2)

    shop.fetch(shop.tills[0].key)

    found = shop.confirm()
    assert (found.confirmed, found.total, found.is_complete) == (1, 2, False)
    [silent] = found.silent
    assert (silent.name, silent.site_name, silent.phone) == ("Till 1", shop.site.name, "02 61 91 00 14")
    assert silent.last_at == LATER


def test_confirm__one_flag_asked_alone__counts_as_a_fetch(shop: Shop) -> None:
    shop.kill()
    shop.fetch(shop.tills[0].key, f"{ALL}/{shop.flag.key}")

    assert shop.confirm().is_complete


def test_confirm__another_flag_changes_later__keeps_the_first_ones_count(shop: Shop) -> None:
    other = make_flag()
    shop.kill()
    shop.fetch(shop.tills[0].key)
    switch_on(flag_id=other.pk, environment_id=shop.environment.pk, **BY)

    found = confirm_flags(environment_id=shop.environment.pk, flag_ids=[shop.flag.pk, other.pk], now=LATER)
    CONTACTS.flush()
    found = confirm_flags(environment_id=shop.environment.pk, flag_ids=[shop.flag.pk, other.pk], now=LATER)
    assert (found[shop.flag.pk].confirmed, found[other.pk].confirmed) == (1, 0)


def test_confirm__narrowed_to_other_sites__asks_nobody(shop: Shop) -> None:
    shop.fetch(shop.tills[0].key)
    assert shop.confirm(site_ids=[make_site().pk]).total == 0


def test_confirm__a_till_unseen_for_a_month__is_waited_for_no_more(shop: Shop) -> None:
    shop.fetch(shop.tills[0].key)
    shop.kill()
    assert shop.confirm(now=LATER + timedelta(days=31)).total == 0


def test_confirm_flag__by_environment__tells_them_apart(shop: Shop) -> None:
    other = make_environment()
    shop.fetch(shop.tills[0].key)
    CONTACTS.flush()
    found = confirm_flag(shop.flag.pk, now=LATER)
    assert (found[shop.environment.pk].total, found[other.pk].total) == (1, 0)


@pytest.mark.parametrize("tills", [2, 20])
def test_confirm__any_number_of_tills__takes_two_queries(
    tills: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shop = Shop(tills=tills)
    for till in shop.tills:
        shop.fetch(till.key)
    CONTACTS.flush()

    with django_assert_num_queries(2):
        found = confirm_flags(environment_id=shop.environment.pk, flag_ids=[shop.flag.pk], now=LATER)
        assert found[shop.flag.pk].total == tills


def test_state_revision__a_rule_or_a_switch__is_the_revision_of_its_commit(shop: Shop) -> None:
    before = StateRevision.objects.get(state__flag=shop.flag, state__environment=shop.environment).revision
    switch_on(flag_id=shop.flag.pk, environment_id=shop.environment.pk, **BY)
    KEEPER.refresh()

    assert KEEPER.portfolio is not None
    now = KEEPER.portfolio.snapshots[shop.environment.pk].definition.revision
    assert (
        StateRevision.objects.get(state__flag=shop.flag, state__environment=shop.environment).revision == now > before
    )


@pytest.mark.parametrize("till", ["nobody", "x" * 101, "\\u0000", "\\ud800", ""])
def test_contacts__a_name_no_till_bears__is_dropped(shop: Shop, till: str) -> None:
    shop.fetch(till)
    CONTACTS.flush()
    assert not TillContact.objects.exists()


def test_contacts__quiet_till__is_written_now_and_then(shop: Shop) -> None:
    book = TillContacts()
    assert KEEPER.portfolio is not None
    definition = KEEPER.portfolio.snapshots[shop.environment.pk].definition
    context = {"till": shop.tills[0].key}

    book.note(definition, context, now=NOW)
    assert book.flush() == 1
    book.note(definition, context, now=NOW + timedelta(seconds=5))
    assert book.flush() == 0
    book.note(definition, context, now=NOW + timedelta(seconds=21))
    assert book.flush() == 1
    assert TillContact.objects.get().seen_at == NOW + timedelta(seconds=21)


def test_contacts__an_older_process_writes_last__lowers_nothing(shop: Shop) -> None:
    ahead, behind = TillContacts(), TillContacts()
    assert KEEPER.portfolio is not None
    old = KEEPER.portfolio.snapshots[shop.environment.pk].definition
    shop.kill()
    new = KEEPER.portfolio.snapshots[shop.environment.pk].definition
    context = {"till": shop.tills[0].key}

    ahead.note(new, context, now=LATER)
    behind.note(old, context, now=NOW)
    ahead.flush()
    behind.flush()

    row = TillContact.objects.get()
    assert (row.revision, row.seen_at) == (new.revision, LATER)


def test_contacts__the_database_is_away__are_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    book = TillContacts()
    assert KEEPER.portfolio is not None
    book.note(KEEPER.portfolio.snapshots[shop.environment.pk].definition, {"till": shop.tills[0].key}, now=NOW)

    def fail(due: object) -> None:
        raise DatabaseError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(book, "_write", fail)
        with pytest.raises(DatabaseError):
            book.flush()
    assert book.flush() == 1
