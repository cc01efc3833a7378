"""The compliance report: counted by month, tier and site, drills apart, in a fixed number of queries."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.actors import DEMO, person
from core.models import User
from core.roles import Role
from flags.models import Environment
from incidents.domain.clock import MISSED, Outcome, measure
from incidents.domain.compliance import Line, Tally, Times
from incidents.domain.tiers import Tier
from incidents.models import Incident
from incidents.queries import life_of
from incidents.report_plots import plot_lengths, plot_outcomes
from incidents.report_queries import Wish, compose_report, count_recent, list_cells, list_missed, list_running
from incidents.transitions import acknowledge_incident, confirm_restored, merge_incident
from rollouts.domain.month import Month
from tests.api_client import program_of
from tests.factories.core import make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident
from tests.factories.world import make_world
from tests.signed_in import sign_in

PARIS = ZoneInfo("Europe/Paris")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WISH = Wish(Month(2026, 9), Month(2026, 11))


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


def _happen(
    environment: Environment,
    user: User,
    *,
    at: datetime,
    took: timedelta | None,
    acknowledged: timedelta | None = None,
    **given: Any,
) -> Incident:
    """Declare an incident, and restore it after a time."""
    incident = make_incident(environment, actor=DEMO, detected_at=at, now=at, **given)
    by: dict[str, Any] = {"incident_id": incident.pk, "actor": person(user), "reason": "as it was"}
    if acknowledged is not None:
        acknowledge_incident(**by, now=at + acknowledged)
    if took is not None:
        confirm_restored(**by, now=at + took)
    incident.refresh_from_db()
    return incident


@pytest.fixture
def user(db: None) -> User:
    return make_person(Role.SUPPORT)


@pytest.fixture
def prod(db: None) -> Environment:
    return make_environment()


@pytest.fixture
def some(prod: Environment, user: User) -> list[Incident]:
    """Incidents of three months: two on the edge of a month, one at two sites, two of another kind, one running."""
    mine: dict[str, Any] = {"environment": prod, "user": user}
    return [
        _happen(**mine, at=_at("2026-09-30T23:59"), took=HOUR, acknowledged=6 * MINUTE, tier=Tier.CRITICAL),
        _happen(
            **mine, at=_at("2026-10-01T00:00"), took=HOUR + MINUTE, tier=Tier.CRITICAL, site_keys=["lyon", "nantes"]
        ),
        _happen(**mine, at=_at("2026-10-25T01:30"), took=4 * HOUR, tier=Tier.IMPORTANT, site_keys=["lyon"]),
        _happen(**mine, at=_at("2026-10-25T01:30"), took=2 * HOUR, tier=Tier.MINOR, acknowledged=HOUR),
        _happen(**mine, at=_at("2026-11-20T12:30"), took=None, tier=Tier.IMPORTANT, site_keys=["nantes"]),
        _happen(**mine, at=_at("2026-11-19T08:00"), took=None, tier=Tier.MINOR),
    ]


def _outcomes(tally: Tally) -> tuple[int, int, int, int]:
    return tally.in_time, tally.late, tally.overdue, tally.running


def test_report__months__begin_at_local_midnight(some: list[Incident]) -> None:
    report = compose_report(WISH, zone=PARIS, now=NOW)

    found = {line.month: _outcomes(line.tally) for line in report.real.months}
    assert found == {
        date(2026, 9, 1): (1, 0, 0, 0),
        date(2026, 10, 1): (2, 1, 0, 0),
        date(2026, 11, 1): (0, 0, 1, 1),
    }
    assert _outcomes(report.real.total) == (3, 1, 1, 1)
    assert report.real.total.share_bp == 6_000
    assert {line.tier: _outcomes(line.tally) for line in report.real.tiers} == {
        Tier.CRITICAL: (1, 1, 0, 0),
        Tier.IMPORTANT: (1, 0, 0, 1),
        Tier.MINOR: (1, 0, 1, 0),
    }


def test_report__at_several_sites__counts_for_each_and_once_in_the_total(some: list[Incident]) -> None:
    report = compose_report(WISH, zone=PARIS, now=NOW)

    sites = {line.site: line.tally.number for line in report.real.sites}
    assert sites == {"lyon": 2, "nantes": 2, "": 3}
    assert report.real.total.number == 6


def test_report__figures__are_those_of_each_incident_by_the_pure_clock(some: list[Incident]) -> None:
    measured = [measure(life_of(one), now=NOW) for one in some]
    total = compose_report(WISH, zone=PARIS, now=NOW).real.total

    took = [one.to_restore.total_seconds() for one in measured if one.to_restore]
    told = [one.to_acknowledge.total_seconds() for one in measured if one.to_acknowledge]
    assert _outcomes(total) == tuple(
        sum(one.outcome is kind for one in measured)
        for kind in (Outcome.IN_TIME, Outcome.LATE, Outcome.OVERDUE, Outcome.RUNNING)
    )
    assert total.restore == _times(took)
    assert total.acknowledge == _times(told)
    assert {one.pk for one in list_missed(WISH, zone=PARIS, now=NOW)} == {
        one.pk for one, found in zip(some, measured, strict=True) if found.outcome in MISSED
    }


def _times(seconds: list[float]) -> Times:
    """Mean, and the least length that half and nine of ten do not exceed."""
    ranked = sorted(seconds)
    median, p90 = (ranked[ceil(len(ranked) * share / 10) - 1] for share in (5, 9))
    return Times(len(seconds), *(timedelta(seconds=round(one)) for one in (mean(seconds), median, p90)))


def test_report__rehearsals__are_never_mixed_in(some: list[Incident], prod: Environment, user: User) -> None:
    before = compose_report(WISH, zone=PARIS, now=NOW)
    for _number in range(3):
        _happen(prod, user, at=_at("2026-10-05T08:00"), took=9 * HOUR, tier=Tier.CRITICAL, is_rehearsal=True)

    after = compose_report(WISH, zone=PARIS, now=NOW)

    assert after.real == before.real
    assert _outcomes(after.rehearsed.total) == (0, 3, 0, 0)
    assert before.rehearsed.total == Tally()
    assert count_recent(environment_key=None, since=NOW - timedelta(days=90), now=NOW).number == 6
    assert {one.is_rehearsal for one in list_missed(WISH, zone=PARIS, now=NOW)} == {False}


@pytest.mark.parametrize(
    ("narrowed", "number"),
    [
        ({"tier": Tier.CRITICAL}, 2),
        ({"site_key": "nantes"}, 2),
        ({"site_key": "lyon", "tier": Tier.IMPORTANT}, 1),
        ({"environment_key": "nowhere"}, 0),
        ({"last": Month(2026, 10)}, 4),
        ({"first": Month(2026, 11)}, 2),
    ],
)
def test_report__narrowed__counts_those_alone(some: list[Incident], narrowed: dict[str, Any], number: int) -> None:
    wish = Wish(**({"first": WISH.first, "last": WISH.last} | narrowed))
    report = compose_report(wish, zone=PARIS, now=NOW)

    assert report.real.total.number == number
    assert sum(line.tally.number for line in report.real.months) == number
    if "site_key" in narrowed:
        assert {line.site for line in report.real.sites} == {narrowed["site_key"]}


def test_report__more_incidents__need_no_more_queries(some: list[Incident], prod: Environment, user: User) -> None:
    client = sign_in(Role.AUDITOR)

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert client.get("/incidents/report/?since=2026-09&until=2026-11").status_code == 200
        return len(seen)

    count()
    few = count()
    for number in range(15):
        sites = [f"s{number}"]
        _happen(prod, user, at=_at("2026-10-02T08:00"), took=9 * HOUR, tier=Tier.CRITICAL, site_keys=sites)

    assert count() == few


def test_cells__every_month_tier_and_site__add_up(some: list[Incident]) -> None:
    cells = list_cells(WISH, zone=PARIS, now=NOW)

    # One of the six is at two sites.
    assert sum(line.tally.number for _rehearsed, line in cells) == 7
    assert len({(line.month, line.tier, line.site) for _rehearsed, line in cells}) == len(cells)


TALLIES = st.builds(
    Tally,
    *(st.integers(0, 500) for _number in range(4)),
    restore=st.builds(
        Times, st.just(1), *(st.none() | st.timedeltas(timedelta(), timedelta(days=9)) for _n in range(3))
    ),
)
LINES = st.lists(st.builds(Line, TALLIES, month=st.dates(date(2020, 1, 1))), min_size=1, max_size=60)


@given(LINES)
def test_plots__any_months__stay_in_the_box_and_lie_on_each_other(lines: list[Line]) -> None:
    for bar in plot_outcomes(lines).bars:
        parts = (bar.running, bar.missed, bar.kept)
        assert all(0 <= y <= 100 and high >= 0 for y, high in parts)
        assert bar.kept[0] + bar.kept[1] == pytest.approx(100)
        assert all(above[0] + above[1] == pytest.approx(below[0]) for above, below in pairwise(parts))
        assert 0 <= bar.month.x < bar.month.x + bar.month.width <= 100.01
    lengths = plot_lengths(lines, of="restore")
    assert all(0 <= place <= 100 for curve in lengths.curves for point in curve.points for place in point)


@given(TALLIES)
def test_share__any_tally__is_whole_only_where_none_was_missed(tally: Tally) -> None:
    assert (tally.share_bp == 10_000) == (tally.in_time > 0 and tally.missed == 0)
    assert (tally.share_bp is None) == (tally.in_time + tally.missed == 0)


class TestPages:
    @pytest.fixture(autouse=True)
    def now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(clock, "now", lambda: NOW)

    @pytest.fixture
    def client(self, db: None) -> Client:
        return sign_in(Role.AUDITOR)

    def test_page__missed__are_linked_with_how_late(self, some: list[Incident], client: Client) -> None:
        page = client.get("/incidents/report/?environment=").content.decode()

        assert f'href="/incidents/{some[1].pk}/"' in page
        assert "late by 1 min" in page
        assert f'href="/incidents/{some[0].pk}/"' not in page
        assert "once for each of them, and once in the total" in page

    def test_page__empty__says_so(self, client: Client) -> None:
        page = client.get("/incidents/report/").content.decode()

        assert "No incident in these months." in page

    @pytest.mark.parametrize(
        "asked", ["since=2026-12&until=2026-01", "since=x", "since=2000-01", "tier=grave", "site=nowhere"]
    )
    def test_page__unreadable_filter__is_400_and_says_which(self, asked: str, client: Client) -> None:
        for address in ("/incidents/report/", "/incidents/report.csv"):
            answer = client.get(f"{address}?{asked}")

            assert answer.status_code == 400
            assert "errorlist" in answer.content.decode()

    def test_list_and_search__lead_to_it(self, client: Client) -> None:
        assert 'href="/incidents/report/"' in client.get("/incidents/").content.decode()
        assert 'href="/incidents/report/"' in client.get("/search/?q=recovery+times").content.decode()

    def test_csv__a_line_for_each_cell__in_seconds(self, some: list[Incident], client: Client) -> None:
        answer = client.get("/incidents/report.csv?since=2026-09&until=2026-11&environment=")

        rows = _rows(answer.content.decode())
        assert answer["Content-Disposition"] == 'attachment; filename="incidents-2026-09-2026-11.csv"'
        assert len(rows) == 7
        late = next(row for row in rows if row["tier"] == "critical" and row["site"] == "lyon")
        assert late | {"incidents": "1"} == late
        assert (late["month"], late["in_time_bp"], late["restore_mean_seconds"]) == ("2026-10", "0", "3660")
        assert late["acknowledge_mean_seconds"] == ""

    def test_csv__formula_as_a_site__is_no_formula(self, prod: Environment, user: User, client: Client) -> None:
        _happen(prod, user, at=NOW - HOUR, took=MINUTE, site_keys=["=1+1"])

        [row] = _rows(client.get("/incidents/report.csv?environment=").content.decode())
        assert row["site"] == "'=1+1"

    def test_dashboard__decided_ones__says_their_share(self, some: list[Incident], client: Client) -> None:
        assert "60 % restored in time in the last 90 days" in client.get("/").content.decode()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _keys(lines: Iterable[dict[str, Any]], name: str) -> list[Any]:
    return [line[name] for line in lines]


def test_api__token__sees_its_own_environment_alone(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    world = make_world()
    make_site(key="vannes")
    _happen(world.environment, user, at=NOW - 3 * HOUR, took=2 * HOUR, tier=Tier.CRITICAL, site_keys=["vannes"])
    _happen(make_environment(), user, at=NOW - 3 * HOUR, took=HOUR)

    told = program_of(world).get("/incidents/report", since="2026-10", until="2026-11").json()

    assert (told["environment"], told["since"], told["until"]) == (world.environment.key, "2026-10", "2026-11")
    total = told["incidents"]["total"]
    assert (total["incidents"], total["late"], total["in_time_bp"]) == (1, 1, 0)
    assert total["restore"] == {"incidents": 1, "mean_seconds": 7200, "median_seconds": 7200, "p90_seconds": 7200}
    assert total["acknowledge"]["mean_seconds"] is None
    assert _keys(told["incidents"]["months"], "month") == ["2026-10", "2026-11"]
    assert _keys(told["incidents"]["sites"], "site") == ["vannes"]
    assert told["rehearsals"]["total"]["incidents"] == 0


@pytest.mark.django_db
def test_report__merged_into_another__counts_there_alone(user: User) -> None:
    environment = make_environment()
    kept, twin = (_happen(environment, user, at=NOW - 2 * HOUR, took=None) for _ in range(2))
    merge_incident(incident_id=twin.pk, into_id=kept.pk, actor=person(user), reason="one event", now=NOW)

    assert compose_report(WISH, zone=PARIS, now=NOW).real.total.number == 1
    assert count_recent(environment_key=None, since=NOW - timedelta(days=90), now=NOW).number == 1
    assert [one.pk for one in list_running(WISH, zone=PARIS)] == [kept.pk]


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [{"since": "2026-13"}, {"since": "2026-02", "until": "2026-01"}, {"until": "x"}])
def test_api__unreadable_months__are_refused(asked: dict[str, str]) -> None:
    answer = program_of(make_world()).get("/incidents/report", **asked)

    assert (answer.status_code, answer.json()["errorCode"]) == (400, "report_months_unreadable")
