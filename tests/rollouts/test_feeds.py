"""Calendar feeds: what stays the same and what changes when a plan does, and who gets nothing."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from core import clock
from core.actors import SCHEDULER
from core.errors import InvalidInput, NotFound, Refusal
from core.history import recorded
from core.logs import HideLinks
from core.models import User
from core.people import create_person, deactivate_person, reactivate_person
from core.roles import Role
from flags.transitions import create_environment, create_flag, create_site
from rollouts.domain.entries import EntryState
from rollouts.domain.templates import PhaseTemplate
from rollouts.feed_queries import FeedEntry, Version, list_entries
from rollouts.ical import NAMED, write_calendar
from rollouts.models import CalendarFeed, CalendarFeedUse, Rollout, Step
from rollouts.transitions import (
    add_freeze,
    cancel_rollout,
    create_release,
    pause_rollout,
    remove_freeze,
    run_next_step,
    schedule_rollout,
)
from rollouts.transitions.editing import move_moment, restore_steps, skip_steps
from rollouts.transitions.feeding import MOST_FEEDS, create_feed, revoke_feed
from rollouts.transitions.retargeting import NewAudience, change_audience
from tests.factories.world import NOW, WHY, World, make_rehearsal, make_world
from tests.rollouts.test_month import FULL, INTERNAL, SITES, plan
from tests.signed_in import sign_in_as

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
PARIS = ZoneInfo("Europe/Paris")
#: An entry as the library reads it: its types are unions of everything.
Event = Any


@pytest.fixture
def world(time_machine: Any) -> World:
    time_machine.move_to(NOW, tick=False)
    return make_world()


def _person(name: str = "mia", role: Role = Role.SUPPORT) -> User:
    return create_person(username=name, roles=[role], language="en", now=NOW, **BY)


def _feed(person: User | None = None, *, environment_id: int | None = None) -> str:
    person = person or _person()
    _row, secret = create_feed(
        person_id=person.pk, name="Releases", environment_id=environment_id, actor=SCHEDULER, now=NOW
    )
    return f"/calendar/{secret}.ics"


def _events(path: str) -> dict[str, Event]:
    """Return what a calendar program gets, by UID."""
    answer = Client().get(path)
    assert answer.status_code == 200
    calendar: Any = Calendar.from_ical(answer.content)
    found = {str(event["uid"]): event for event in calendar.walk("VEVENT")}
    assert len(found) == len(calendar.walk("VEVENT"))
    return found


def _find(events: Mapping[str, Event], words: str) -> Event:
    (found,) = [event for event in events.values() if words in str(event["summary"])]
    return found


def _scheduled(world: World, *phases: PhaseTemplate, start_on: date = date(2026, 11, 30)) -> Rollout:
    return schedule_rollout(rollout_id=plan(world, *phases, start_on=start_on).pk, now=NOW, **BY)


def _first(rollout: Rollout, **where: Any) -> Step:
    return Step.objects.filter(rollout=rollout, **where).earliest("position")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


@pytest.mark.django_db
class TestWhatIsSaid:
    def test_feed__of_a_plan__has_one_entry_for_each_moment_and_audience(self, world: World) -> None:
        rollout = _scheduled(world)

        events = _events(_feed())

        assert [str(event["summary"]) for event in events.values()] == [
            "1.3 → staging: Testers, 3 flags",
            "1.3 → staging: Lyon, 3 flags",
            "1.3 → staging: Nantes, 3 flags",
            "1.3 → staging: Lille, 3 flags",
            "1.3 → staging: everyone, 3 flags",
        ]
        lyon = _find(events, "Lyon")
        assert lyon.decoded("dtstart") == _at("2026-12-02 06:00")
        assert lyon["dtstart"].to_ical() == b"20261202T050000Z"
        assert (str(lyon["location"]), str(lyon["status"])) == ("Lyon", "CONFIRMED")
        assert str(lyon["url"]).endswith(f"/rollouts/{rollout.pk}/")
        assert lyon["categories"].to_ical() == b"staging"
        assert "Buttons" in str(lyon["description"])
        assert {"dtstamp", "last-modified", "sequence", "dtend"} <= {key.lower() for key in lyon}

    def test_feed__of_a_draft__is_tentative_until_it_is_scheduled(self, world: World) -> None:
        rollout = plan(world)
        path = _feed()
        before = _events(path)
        schedule_rollout(rollout_id=rollout.pk, now=NOW, **BY)

        after = _events(path)

        assert {str(event["status"]) for event in before.values()} == {"TENTATIVE"}
        assert {str(event["status"]) for event in after.values()} == {"CONFIRMED"}
        assert all(after[uid]["sequence"] > before[uid]["sequence"] for uid in before)

    def test_feed__after_steps_moved_and_go_to_others__keeps_its_entry_and_its_sequence_rises(
        self, world: World
    ) -> None:
        rollout = _scheduled(world)
        path = _feed()
        step = _first(rollout, site=world.sites[1])
        for hour in ("07:00", "08:00", "09:00"):
            move_moment(rollout_id=rollout.pk, step_id=step.pk, due_at=_at(f"2026-12-03 {hour}"), now=NOW, **BY)
        before = _events(path)
        other = create_site(key="brest", name="Brest", city="Brest", now=NOW, **BY)

        change_audience(rollout_id=rollout.pk, step_id=step.pk, audience=NewAudience(site_id=other.pk), now=NOW, **BY)

        after = _events(path)
        assert after.keys() == before.keys()
        assert all(after[uid]["sequence"] > before[uid]["sequence"] for uid in before)
        assert str(_find(after, "Brest")["uid"]) == str(_find(before, "Nantes")["uid"])

    def test_feed__in_french__speaks_french(self, world: World) -> None:
        _scheduled(world, FULL)
        person = create_person(username="zoé", roles=[Role.SUPPORT], language="fr", now=NOW, **BY)

        (event,) = _events(_feed(person)).values()

        assert str(event["summary"]).replace("\xa0", " ") == "1.3 → staging : tout le monde, 3 flags"

    @pytest.mark.parametrize(
        ("start_on", "utc_hours"), [(date(2027, 3, 27), {"05", "04"}), (date(2027, 10, 30), {"04", "05"})]
    )
    def test_feed__over_a_change_of_the_clocks__is_six_in_paris_on_either_side(
        self, world: World, start_on: date, utc_hours: set[str]
    ) -> None:
        _scheduled(world, INTERNAL, SITES, start_on=start_on)

        events = _events(_feed()).values()

        starts = [event["dtstart"].to_ical().decode() for event in events]
        assert {start[9:11] for start in starts} == utc_hours
        assert all(start.endswith("0000Z") for start in starts)
        assert {f"{event.decoded('dtstart').astimezone(PARIS):%H:%M}" for event in events} == {"06:00"}

    def test_feed__of_a_site_far_away__is_by_its_own_clock(self, world: World) -> None:
        world.sites[:] = [
            create_site(
                key="sd", name="Saint-Denis", city="La Réunion, 97400", time_zone="Indian/Reunion", now=NOW, **BY
            )
        ]
        _scheduled(world, SITES)

        (event,) = _events(_feed()).values()

        assert event["dtstart"].to_ical() == b"20261130T020000Z"
        assert str(event["location"]) == "Saint-Denis, La Réunion, 97400"
        assert "06:00 by the clock there (Indian/Reunion)" in str(event["description"])

    def test_feed__of_rehearsals_and_other_environments__is_empty(self, world: World) -> None:
        make_rehearsal(world)
        dev = create_environment(key="dev", name="Dev", position=2, is_production=False, now=NOW, **BY)
        person = _person()
        assert _events(_feed(person)) == {}
        plan(world)

        assert _events(_feed(person, environment_id=dev.pk)) == {}
        assert len(_events(_feed(person, environment_id=world.environment.pk))) == 5

    def test_feed__of_many_sites_and_flags__asks_as_many_queries_and_stays_short(self, world: World) -> None:
        _scheduled(world)
        path = _feed()
        _events(path)
        with CaptureQueriesContext(connection) as few:
            _events(path)
        world.sites[:] = [create_site(key=f"s-{n}", name=f"S {n}", city="S", now=NOW, **BY) for n in range(20)]
        flags = [create_flag(key=f"f-{n}", name=f"F {n}", criticality="minor", now=NOW, **BY) for n in range(30)]
        release = create_release(version="2.0", flag_ids=[flag.pk for flag in flags], now=NOW, **BY)
        plan(replace(world, release=release), SITES, start_on=date(2026, 12, 7))

        with CaptureQueriesContext(connection) as many:
            events = _events(path)

        assert len(many) == len(few) < 16
        assert len(events) == 5 + 20
        assert f"and {30 - NAMED} more" in str(_find(events, "S 7,")["description"])


@pytest.mark.django_db
class TestWhatChanges:
    def test_step__moved__keeps_its_uid_with_a_higher_sequence_and_the_new_time(self, world: World) -> None:
        rollout = _scheduled(world)
        path = _feed()
        before = _events(path)
        lille = _first(rollout, site__key="lille")
        move_moment(rollout_id=rollout.pk, step_id=lille.pk, due_at=_at("2026-12-04 11:00"), now=NOW, **BY)

        after = _events(path)

        uid = str(_find(before, "Lille")["uid"])
        assert after[uid].decoded("dtstart") == _at("2026-12-04 11:00")
        assert after[uid]["sequence"] > before[uid]["sequence"]
        assert set(after) == set(before)

    def test_steps__left_out__stay_cancelled_and_come_back(self, world: World) -> None:
        rollout = _scheduled(world)
        path = _feed()
        before = _events(path)
        uid = str(_find(before, "Lyon")["uid"])
        lyon = _first(rollout, site__key="lyon")
        skip_steps(rollout_id=rollout.pk, step_id=lyon.pk, now=NOW, **BY)
        skipped = _events(path)
        restore_steps(rollout_id=rollout.pk, step_id=lyon.pk, now=NOW, **BY)

        back = _events(path)

        assert str(skipped[uid]["status"]) == "CANCELLED"
        assert "Left out:" in str(skipped[uid]["description"])
        assert str(back[uid]["status"]) == "CONFIRMED"
        assert before[uid]["sequence"] < skipped[uid]["sequence"] < back[uid]["sequence"]

    def test_rollout__cancelled__its_entries_stay_cancelled(self, world: World) -> None:
        rollout = _scheduled(world)
        path = _feed()
        before = _events(path)
        cancel_rollout(rollout_id=rollout.pk, now=NOW, **BY)

        after = _events(path)

        assert set(after) == set(before)
        assert {str(event["status"]) for event in after.values()} == {"CANCELLED"}
        assert all(after[uid]["sequence"] > before[uid]["sequence"] for uid in before)

    def test_step__done_by_a_rollout_that_pauses__stays_confirmed(self, world: World) -> None:
        rollout = _scheduled(world)
        start = _first(rollout).due_at
        while run_next_step(rollout_id=rollout.pk, now=start):
            pass
        pause_rollout(rollout_id=rollout.pk, now=start, **BY)

        events = _events(_feed())

        assert "✓ done" in str(_find(events, "Testers")["description"])
        assert str(_find(events, "Lyon")["summary"]).startswith("❚❚ paused · ")

    def test_group__split_and_joined_again__each_part_keeps_its_uid_and_no_sequence_falls(self, world: World) -> None:
        rollout = _scheduled(world)
        path = _feed()
        steps = list(rollout.steps.filter(site__key="lyon").order_by("position"))
        seen = [_events(path)]
        for step, due_at in ((steps[2], "11:00"), (steps[0], "05:00"), (steps[2], "06:00")):
            step.due_at = _at(f"2026-12-02 {due_at}")
            with recorded(now=NOW, **BY):
                step.save()
            seen.append(_events(path))

        uids = [[uid for uid, event in events.items() if "Lyon" in str(event["summary"])] for events in seen]
        first, second, third = (f"step-{step.pk}@127.0.0.1" for step in steps)
        assert [set(found) for found in uids] == [{first}, {first, third}, {first, second, third}, {first, second}]
        for earlier, later in pairwise(seen):
            shared = set(earlier) & set(later)
            assert all(later[uid]["sequence"] >= earlier[uid]["sequence"] for uid in shared)
            changed = {uid for uid in shared if later[uid]["summary"] != earlier[uid]["summary"]}
            assert all(later[uid]["sequence"] > earlier[uid]["sequence"] for uid in changed)

    def test_freeze__set_and_removed__is_whole_days_and_stays_cancelled(self, world: World) -> None:
        path = _feed()
        (freeze,) = add_freeze(
            environment_ids=[world.environment.pk],
            starts_on=date(2026, 12, 24),
            ends_on=date(2027, 1, 2),
            label="Year’s end",
            now=NOW,
            **BY,
        )
        (before,) = _events(path).values()
        remove_freeze(freeze_id=freeze.pk, now=NOW, **BY)

        (after,) = _events(path).values()

        assert (before["dtstart"].to_ical(), before["dtend"].to_ical()) == (b"20261224", b"20270102")
        assert before["dtstart"].params["VALUE"] == "DATE"
        assert (str(before["status"]), str(after["status"])) == ("CONFIRMED", "CANCELLED")
        assert before["uid"] == after["uid"]
        assert after["sequence"] > before["sequence"]
        assert str(before["summary"]) == "❄ Freeze in staging: Year’s end"

    def test_answer__unchanged__is_304_and_another_once_something_changed(self, world: World) -> None:
        rollout = _scheduled(world)
        path = _feed()
        client = Client()
        etag = client.get(path)["ETag"]

        same = client.get(path, headers={"if-none-match": etag})
        cancel_rollout(rollout_id=rollout.pk, now=NOW, **BY)
        other = client.get(path, headers={"if-none-match": etag})

        assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
        assert (other.status_code, other["ETag"] != etag) == (200, True)


class TestText:
    ENTRY = FeedEntry(
        first_step=1,
        rollout_id=1,
        release="1.3",
        environment="prod",
        phase_kind="per_site",
        state=EntryState.PLANNED,
        due_at=NOW,
        whom="Lyon",
        place=("Lyon",),
        time_zone="Europe/Paris",
        flags=("Buttons",),
        left_out=(),
        version=Version(3, NOW),
    )

    def _read(self, **changed: Any) -> Event:
        written = write_calendar(name="Releases", entries=[replace(self.ENTRY, **changed)], freezes=[])
        assert all(len(line) <= 75 for line in written.split(b"\r\n"))
        assert b"\n" not in written.replace(b"\r\n", b"")
        calendar: Any = Calendar.from_ical(written)
        (event,) = calendar.walk("VEVENT")
        return event

    def test_text__of_every_kind__is_folded_and_escaped_so_that_it_reads_as_it_was(self) -> None:
        name = "Œuvres, « anticonstitutionnellement » ; 8\\9 💥👩‍👩‍👧 " + "interminablement " * 20
        place = ("L’Haÿ-les-Roses; n° 3", "Val-de-Marne, 94")

        alone = self._read(flags=("Tickets, again",))
        event = self._read(whom=name, place=place, flags=(name, "b"))

        assert str(alone["summary"]) == "1.3 → prod: Lyon, Tickets, again"

        assert name in str(event["summary"])
        assert str(event["location"]) == ", ".join(place)
        assert f"– {name}\n– b" in str(event["description"])

    @given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200))
    def test_text__any__is_one_line_of_the_calendar(self, text: str) -> None:
        event = self._read(whom=text or "x", flags=(text,))

        assert set(event) >= {"SUMMARY", "DESCRIPTION", "STATUS", "UID"}
        assert len(event.subcomponents) == 0
        assert str(event["status"]) == "CONFIRMED"

    def test_log__of_an_address__hides_the_secret(self) -> None:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "fault at %s", ("/calendar/s3-cr_et.ics",), None)
        HideLinks().filter(record)

        assert record.getMessage() == "fault at /calendar/…"


@pytest.mark.django_db
class TestWhoGetsIt:
    def test_answer__to_a_program__is_a_calendar_that_nobody_else_keeps(self, world: World) -> None:
        path = _feed()

        got, head = Client().get(path), Client().head(path)

        for answer in (got, head):
            assert answer.status_code == 200
            assert answer["Content-Type"] == "text/calendar; charset=utf-8"
            assert answer["Cache-Control"] == "private, no-cache"
            assert answer["Referrer-Policy"] == "no-referrer"
            assert "Cookie" not in answer.get("Vary", "")
            assert not answer.cookies
        assert head.content == b""
        calendar: Any = Calendar.from_ical(got.content)
        assert (calendar["method"], calendar["x-wr-calname"], calendar["version"]) == ("PUBLISH", "Releases", "2.0")
        assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H" in got.content

    def test_secret__of_nobody_or_revoked__is_404_with_the_same_answer(self, world: World) -> None:
        person = _person()
        path = _feed(person)
        feed = CalendarFeed.objects.get()
        unknown = Client().get("/calendar/unknown.ics")
        revoke_feed(feed_id=feed.pk, owner_id=person.pk, now=NOW, **BY)

        revoked = Client().get(path)

        assert (unknown.status_code, revoked.status_code) == (404, 404)
        assert unknown.content == revoked.content
        assert not revoked.cookies
        assert Client().get(path.replace(".ics", "x.ics")).status_code == 404
        assert Client().post(path).status_code in {403, 405}

    def test_secret__of_somebody_deactivated_or_without_a_role__is_404(self, world: World) -> None:
        person = _person()
        path = _feed(person)
        bare = create_person(username="nobody", roles=[], now=NOW, **BY)
        deactivate_person(user_id=person.pk, now=NOW, **BY)

        assert Client().get(path).status_code == 404
        assert Client().get(_feed(bare)).status_code == 404

    def test_secret__of_before_its_person_was_away__stays_404_when_they_are_back(self, world: World) -> None:
        person = _person()
        path = _feed(person)
        deactivate_person(user_id=person.pk, now=NOW, **BY)
        reactivate_person(user_id=person.pk, now=clock.now() + timedelta(minutes=1), **BY)

        assert Client().get(path).status_code == 404

    def test_secret__is_nowhere_in_the_database(self, world: World) -> None:
        person = _person()
        secret = _feed(person).removeprefix("/calendar/").removesuffix(".ics")
        line = CalendarFeed.history.get()

        assert secret not in str(vars(line))
        assert not hasattr(line, "secret_hash")
        assert CalendarFeed.objects.get().secret_hash != secret

    def test_page__makes_a_feed__shows_its_address_once(self, world: World) -> None:
        person = _person()
        client = sign_in_as(person, language="en")

        made: Any = client.post("/calendar/feeds/", {"name": "Mine", "environment": "staging"})
        again = client.get("/calendar/feeds/").content.decode()

        path = "/calendar/" + made.context["shown"].rsplit("/", 1)[1]
        assert Client().get(path).status_code == 200
        assert made["Cache-Control"] == "no-store"
        assert "Mine" in again
        assert path not in again
        feed = CalendarFeed.objects.get()
        assert (feed.person, feed.environment) == (person, world.environment)
        assert CalendarFeed.history.get().history_user_id == person.pk

    def test_page__says_when_a_feed_was_fetched__to_the_hour(self, world: World, time_machine: Any) -> None:
        person = _person()
        path = _feed(person)
        client = sign_in_as(person, language="en")
        before = client.get("/calendar/feeds/").content.decode()
        Client().get(path)
        noted = CalendarFeedUse.objects.get().last_used_at
        time_machine.move_to(NOW + timedelta(minutes=59), tick=False)
        Client().get(path)

        assert CalendarFeedUse.objects.get().last_used_at == noted
        assert "not fetched yet" in before
        assert "last fetched 59 min ago" in client.get("/calendar/feeds/").content.decode()
        time_machine.move_to(NOW + timedelta(minutes=60), tick=False)
        Client().get(path)
        assert CalendarFeedUse.objects.get().last_used_at > noted

    def test_page__anothers_feed__is_seen_and_removed_by_an_admin_alone(self, world: World) -> None:
        _feed(_person())
        feed = CalendarFeed.objects.get()
        support = sign_in_as(_person("sam"), language="en")
        admin = sign_in_as(_person("ada", Role.ADMIN), language="en")
        body = {"feed": feed.pk, "reason": "It was in a screenshot"}

        assert "mia" not in support.get("/calendar/feeds/").content.decode()
        assert support.post("/calendar/feeds/remove/", body).status_code == 404
        assert "mia" in admin.get("/calendar/feeds/").content.decode()
        assert admin.post("/calendar/feeds/remove/", body).status_code == 302

        feed.refresh_from_db()
        assert feed.revoked_at is not None
        assert admin.post("/calendar/feeds/remove/", body).status_code == 409

    def test_page__of_two_and_of_twenty__asks_the_same_queries(self, world: World) -> None:
        admin = sign_in_as(_person("ada", Role.ADMIN))
        counts = []
        for start, end in ((0, 2), (2, 20)):
            for n in range(start, end):
                _feed(_person(f"p-{n}"))
            with CaptureQueriesContext(connection) as asked:
                admin.get("/calendar/feeds/")
            counts.append(len(asked))

        assert counts[0] == counts[1]

    @pytest.mark.parametrize("name", ["a\r\nX-EVIL:1", 'x\\ny;,"', "Ann\u2028ée"])
    def test_feed__of_an_odd_name__is_read_with_it(self, world: World, name: str) -> None:
        secret = create_feed(person_id=_person().pk, name=name, environment_id=None, actor=SCHEDULER, now=NOW)[1]

        answer = Client().get(f"/calendar/{secret}.ics")

        assert answer.status_code == 200
        written = " ".join(name.split()).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        assert f"X-WR-CALNAME:{written}\r\n" in answer.content.decode()
        assert b"\nX-EVIL" not in answer.content

    def test_feeds__too_many_nameless_or_of_nowhere__are_refused(self, world: World) -> None:
        person = _person()
        for _n in range(MOST_FEEDS):
            _feed(person)

        with pytest.raises(Refusal, match="feeds_too_many"):
            _feed(person)
        with pytest.raises(InvalidInput, match="feed_nameless"):
            create_feed(person_id=person.pk, name=" ", environment_id=None, actor=SCHEDULER, now=NOW)
        with pytest.raises(InvalidInput, match="feed_nameless"):
            create_feed(person_id=person.pk, name="a\x07b", environment_id=None, actor=SCHEDULER, now=NOW)
        with pytest.raises(InvalidInput, match="environment_unknown"):
            create_feed(person_id=person.pk, name="x", environment_id=0, actor=SCHEDULER, now=NOW)
        with pytest.raises(NotFound, match="feed_unknown"):
            revoke_feed(feed_id=0, owner_id=None, now=NOW, **BY)


@pytest.mark.django_db
def test_entries__far_away_in_time__are_left_out(world: World) -> None:
    _scheduled(world)

    assert len(list_entries(environment_id=None, now=NOW + timedelta(days=30))) == 5
    assert list_entries(environment_id=None, now=NOW + timedelta(days=150)) == []
    assert list_entries(environment_id=None, now=NOW - timedelta(days=450)) == []
