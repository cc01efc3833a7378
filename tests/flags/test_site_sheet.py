"""A site's sheet: address and people, exceptional days, what is on there and why."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core import clock
from core.actors import DEMO
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.domain.evaluation import Layer
from flags.domain.opening import DAYS_MOST, DayKind, Standing
from flags.models import Site, SiteDay
from flags.queries import get_revisions
from flags.site_queries import list_flags_here, list_site_rows
from flags.transitions import NewMember, add_site_days, create_segment, edit_site, kill_flag, remove_site_days
from tests.factories.flags import make_environment, make_flag, make_rule, make_site
from tests.signed_in import read_version, sign_in

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": clock.now()}
DAYS = {
    "label": "Braderie",
    "kind": "no_change",
    "first_on": "2030-09-07",
    "last_on": "2030-09-08",
    "reason": "As ever",
}
SHEET = {
    "name": "Lyon",
    "city": "Lyon",
    "street": "12 rue des Deux Cèdres",
    "postal_code": "69007",
    "phone": "04 65 71 00 11",
    "contact_name": "Maud Ferrand",
    "contact_email": "maud@example.org",
    "backup_name": "Théo Vasseur",
    "backup_phone": "04 65 71 00 21",
    "opening_hours": "10–18",
    "opening_weekdays": ["2", "6"],
    "time_zone": "Europe/Paris",
    "reason": "Its sheet",
}


@pytest.fixture
def site() -> Site:
    return make_site(key="lyon", name="Lyon")


def _add(site: Site, first: date, end: date, **given: Any) -> SiteDay:
    wanted = {"kind": DayKind.CLOSED, "label": "Closed"} | BY | given
    return add_site_days(site_id=site.pk, starts_on=first, ends_on=end, **wanted)


def test_sheet__filled_in__is_shown_with_links(site: Site) -> None:
    client = sign_in()

    version = read_version(client, "/sites/lyon/edit/")
    assert client.post("/sites/lyon/edit/", SHEET | {"version": version}).status_code == 302

    page = client.get("/sites/lyon/").content.decode()
    for words in ("12 rue des Deux Cèdres", "69007", "Maud Ferrand", "Théo Vasseur", "10–18", "Europe/Paris"):
        assert words in page
    for link in ("tel:0465710011", "tel:0465710021", "mailto:maud@example.org"):
        assert link in page


@pytest.mark.parametrize("change", [{"contact_email": "nobody"}, {"postal_code": "6" * 21}, {"backup_phone": "0" * 41}])
def test_sheet__wrong_input__is_said_and_what_was_typed_stays(site: Site, change: dict[str, str]) -> None:
    answer = sign_in().post("/sites/lyon/edit/", SHEET | change)

    assert answer.status_code == 400
    assert "12 rue des Deux" in answer.content.decode()
    site.refresh_from_db()
    assert site.street == ""


def test_edit_site__what_is_not_said__stays(site: Site) -> None:
    edit_site(site_id=site.pk, name="Lyon", city="Lyon", street="Here", **BY)
    edit_site(site_id=site.pk, name="Lyon 7", city="Lyon", **BY)

    site.refresh_from_db()
    assert (site.name, site.street) == ("Lyon 7", "Here")


def test_days__added_on_the_page__are_half_open_and_on_record(site: Site) -> None:
    answer = sign_in().post("/sites/lyon/days/", DAYS)

    assert (answer.status_code, answer["location"]) == (302, "/sites/lyon/")
    days = SiteDay.objects.get()
    assert (days.starts_on, days.ends_on, days.kind) == (date(2030, 9, 7), date(2030, 9, 9), "no_change")
    assert days.history.get().history_change_reason == "As ever"
    assert "Braderie" in sign_in(Role.AUDITOR).get("/sites/lyon/").content.decode()


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"kind": "perhaps"},
        {"first_on": ""},
        {"first_on": "2030-09-09"},
        {"last_on": "2032-01-01"},
        {"last_on": "9999-12-31"},
        {"reason": ""},
        {"first_on": "2030-09-01", "last_on": "2030-09-02"},
    ],
)
def test_days__wrong_input__is_said_and_what_was_typed_stays(site: Site, change: dict[str, str]) -> None:
    _add(site, date(2030, 9, 2), date(2030, 9, 3))

    answer = sign_in().post("/sites/lyon/days/", DAYS | {"label": "Typed words"} | change)

    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert "label" in change or "Typed words" in answer.content.decode()
    assert SiteDay.objects.count() == 1


def test_days__beside_each_other_or_of_another_site__do_not_overlap(site: Site) -> None:
    _add(site, date(2030, 9, 2), date(2030, 9, 3))
    _add(site, date(2030, 9, 3), date(2030, 9, 4))
    _add(make_site(), date(2030, 9, 2), date(2030, 9, 4))

    with pytest.raises(Refusal, match="site_days_overlap"):
        _add(site, date(2030, 9, 1), date(2030, 9, 3))
    with pytest.raises(InvalidInput, match="site_days_too_many"):
        _add(site, date(2031, 1, 1), date(2032, 1, 1 + DAYS_MOST - 364))


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_on": date(2030, 9, 3)},
        {"kind": "perhaps"},
        {"label": ""},
        {"ends_on": date(2030, 9, 9), "label": "again"},
    ],
)
def test_days__past_the_transition__the_database_refuses(site: Site, wrong: dict[str, Any]) -> None:
    _add(site, date(2030, 9, 5), date(2030, 9, 6))
    row = {"starts_on": date(2030, 9, 2), "ends_on": date(2030, 9, 3), "kind": "closed", "label": "Closed"} | wrong

    with recorded(**BY), pytest.raises(IntegrityError), transaction.atomic():
        SiteDay(site=site, **row).save()


def test_days__removed_twice__the_second_is_told(site: Site) -> None:
    days, client = _add(site, date(2030, 9, 2), date(2030, 9, 3)), sign_in()

    first = client.post("/sites/lyon/days/remove/", {"days": days.pk, "reason": "Called off"})
    second = client.post("/sites/lyon/days/remove/", {"days": days.pk, "reason": "Called off"})

    assert (first.status_code, second.status_code) == (302, 409)
    assert SiteDay.history.latest().history_change_reason == "Called off"


@pytest.mark.django_db(transaction=True)
def test_days__written_and_removed__raise_no_revision_and_a_site_does() -> None:
    site = make_site()
    make_environment()
    before = get_revisions()

    remove_site_days(site_id=site.pk, days_id=_add(site, date(2030, 9, 2), date(2030, 9, 3)).pk, **BY)

    assert get_revisions() == before
    edit_site(site_id=site.pk, name="Lyon 7", city="Lyon", **BY)
    assert get_revisions() != before


def test_list__today__is_the_sites_own_day_and_says_what_it_is() -> None:
    late = datetime(2030, 9, 6, 21, tzinfo=UTC)
    for key, zone in (("a", "Europe/Paris"), ("b", "Indian/Reunion")):
        site = make_site(key=key, name=key, time_zone=zone)
        _add(site, date(2030, 9, 7), date(2030, 9, 9), kind=DayKind.NO_CHANGE, label="Braderie")

    here, there = list_site_rows(now=late)

    assert (here.today.standing, here.today.label) == (Standing.OPEN, "")
    assert (there.today.standing, there.today.label) == (Standing.NO_CHANGE, "Braderie")


def test_here__each_flag__says_value_and_why(site: Site) -> None:
    environment, other = make_environment(key="prod"), make_site(key="lille")
    people = [NewMember(f"ana-{n}", site_id=site.pk) for n in range(4)] + [NewMember("bo", site_id=other.pk)]
    pilots = create_segment(key="pilots", name="Pilots", members=people, **BY)
    flags = {key: make_flag(key=key, name=key) for key in ("all", "here", "killed", "off", "pilots", "there")}
    make_rule(flags["all"], environment, RuleAudience.everyone())
    make_rule(flags["here"], environment, RuleAudience.for_site(site.pk))
    make_rule(flags["killed"], environment, RuleAudience.everyone())
    kill_flag(flag_id=flags["killed"].pk, environment_id=environment.pk, **BY)
    make_rule(flags["pilots"], environment, RuleAudience.for_segment(pilots.pk))
    make_rule(flags["pilots"], environment, RuleAudience.for_site(other.pk))
    make_rule(flags["pilots"], environment, RuleAudience.everyone(), variant="off")
    make_rule(flags["there"], environment, RuleAudience.for_site(other.pk))
    make_rule(flags["there"], environment, RuleAudience.everyone(), variant="off")

    ((_environment, found),) = list_flags_here(site)

    told = {here.state.flag.key: here for here in found}
    assert {key: (here.variant, here.layer) for key, here in told.items()} == {
        "all": ("on", Layer.RULE),
        "here": ("on", Layer.RULE),
        "killed": ("off", Layer.KILL_SWITCH),
        "off": ("off", Layer.OFF),
        "pilots": ("off", Layer.RULE),
        "there": ("off", Layer.RULE),
    }
    assert [here.rule.kind if here.rule else "" for here in found[1:3]] == ["everyone", "site"]
    assert found[0].state.flag.key == "killed"
    assert [one.people for one in told["pilots"].apart] == [4]
    client = sign_in()
    page = client.get("/sites/lyon/").content.decode()
    assert "4 people here" in page
    assert "for this site" in page
    client.cookies["django_language"] = "fr"
    assert "● activé</span>" in client.get("/sites/lyon/").content.decode()
