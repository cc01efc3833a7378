"""The page behind a pilot's link, the card on the rollout's page, and the evening's message."""

import logging
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.domain.business_time import local_day
from core.logs import HideLinks
from core.roles import Role
from health.models import Sample
from notifications.labels import say_body, say_subject
from notifications.models import Delivery, Event
from rollouts.feedback_links import write_token
from rollouts.models import Feedback, PhaseStatus, Rollout
from rollouts.tasks import send_daily_summaries
from rollouts.transitions import pause_rollout
from tests.factories.feedback import BY, at, link_of, make_trial, run, say
from tests.factories.health import make_complaint
from tests.factories.world import World, make_world, report
from tests.signed_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def rollout(world: World) -> Rollout:
    """Four pilots have the flags since Wednesday morning."""
    rollout = make_trial(world)
    run(rollout, now=at(25, 6))
    return rollout


def _path(rollout: Rollout, number: int = 0, **given: Any) -> str:
    return f"/feedback/{write_token(link_of(rollout, number, **given))}/"


class TestPage:
    def test_page__of_a_stranger__asks_in_french_without_cookie_or_trace(self, rollout: Rollout) -> None:
        with time_machine.travel(at(25, 12)):
            page = Client(headers={"accept-language": "de"}).get(_path(rollout))

        assert page.status_code == 200
        assert "Comment ça s’est passé aujourd’hui" in page.content.decode()
        assert '<html lang="fr">' in page.content.decode()
        assert not page.cookies
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert page["Cache-Control"] == "no-store"
        assert "Buttons" in page.content.decode()
        assert "<script" not in page.content.decode()

    def test_page__asked_in_english__speaks_it_and_keeps_it(self, rollout: Rollout) -> None:
        with time_machine.travel(at(25, 12)):
            client = Client()
            page = client.get(f"{_path(rollout)}?lang=en")
            sent = client.post(f"{_path(rollout)}?lang=en", {"rating": "4"})
            thanked = client.get(f"{_path(rollout)}{sent['Location']}")

        assert "How did it go today?" in page.content.decode()
        assert "Thank you" in thanked.content.decode()

    def test_post__without_account_or_csrf_token__is_stored(self, world: World, rollout: Rollout) -> None:
        client = Client(enforce_csrf_checks=True)
        with time_machine.travel(at(25, 12)):
            answer = client.post(_path(rollout), {"rating": "2", "flag": world.flags[0].pk, "text": "Trop lent"})

        row = Feedback.objects.get()
        assert answer.status_code == 302
        assert (row.rating, row.flag, row.words.text) == (2, world.flags[0], "Trop lent")
        assert (row.targeting_key, str(row.day)) == ("cashier-0", "2026-11-25")

    @pytest.mark.parametrize(
        "data", [{}, {"rating": "9"}, {"rating": "3", "flag": "0"}, {"rating": "3", "text": "x" * 2_001}]
    )
    def test_post__not_whole__says_so_and_stores_nothing(self, rollout: Rollout, data: dict[str, str]) -> None:
        with time_machine.travel(at(25, 12)):
            answer = Client().post(_path(rollout), data)

        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert not Feedback.objects.exists()

    @pytest.mark.parametrize(
        "value", ["", "a\x00b", "<script>alert(1)</script>", "9" * 40, "-1", "1e309", "٣", "x" * 50_000]
    )
    @pytest.mark.parametrize("field", ["rating", "flag", "text", "lang"])
    def test_post__hostile__is_answered_escaped_and_sets_no_cookie(
        self, rollout: Rollout, field: str, value: str
    ) -> None:
        with time_machine.travel(at(25, 12)):
            answer = Client().post(_path(rollout), {"rating": "3", "flag": "", "text": ""} | {field: value})

        assert answer.status_code in {302, 400}
        assert b"<script>alert" not in answer.content
        assert not answer.cookies

    def test_post__too_often__says_thank_you_and_no_more(self, rollout: Rollout) -> None:
        for minute in range(12):
            say(rollout, 0, now=at(25, 11, minute))

        with time_machine.travel(at(25, 12)):
            answer = Client().post(_path(rollout), {"rating": "3"})

        assert "12 fois aujourd’hui" in answer.content.decode()
        assert Feedback.objects.count() == 12

    def test_page__of_a_token_that_is_none__is_404_and_says_what_to_do(self, rollout: Rollout) -> None:
        page = Client().get("/feedback/WzEsImEiLDFd:forged/")

        assert page.status_code == 404
        assert "Ce lien n’est pas complet" in page.content.decode()

    @pytest.mark.parametrize(
        ("now", "days_ago", "words"),
        [
            (at(24, 12), 0, "Pas encore"),
            (at(25, 12), 14, "l’essai est terminé"),
        ],
    )
    def test_page__early_or_late__says_so_and_takes_nothing(
        self, world: World, now: datetime, days_ago: int, words: str
    ) -> None:
        rollout = make_trial(world)
        run(rollout, now=now)
        path = _path(rollout, now=now, days_ago=days_ago)

        with time_machine.travel(now):
            page = Client().get(path)
            Client().post(path, {"rating": "3"})

        assert words in page.content.decode()
        assert not Feedback.objects.exists()

    def test_log__a_line_with_a_link__hides_its_token(self) -> None:
        record = logging.LogRecord("x", logging.ERROR, "x", 1, "fault at %s", ("/feedback/WzEs:x-y_z/?done=1",), None)

        HideLinks().filter(record)

        assert record.getMessage() == "fault at /feedback/…/?done=1"


class TestCard:
    def test_card__on_the_rollouts_page__shows_ratings_words_complaints_and_errors(
        self, world: World, rollout: Rollout
    ) -> None:
        say(rollout, 0, now=at(25, 11), rating=2, text="<b>Trop lent</b>", flag_id=world.flags[0].pk)
        say(rollout, 1, now=at(25, 11), rating=5)
        report(world, flag=None, now=at(25, 11), critical=1)
        make_complaint(world.environment, site=world.sites[0], flag=world.flags[0], now=at(25, 11))

        with time_machine.travel(at(26, 12)):
            page = sign_in().get(f"/rollouts/{rollout.pk}/")

        card = page.context["feedback"]
        today, before = card.days
        assert (today.answers, today.mean, today.complaints, today.error_percent) == ([], None, 0, None)
        assert (before.mean, before.pilots, before.complaints, before.error_percent) == (3.5, 2, 1, 10.0)
        assert "&lt;b&gt;Trop lent" in page.content.decode()
        assert "Cashier 0" in page.content.decode()

    @pytest.mark.parametrize(("role", "links"), [(Role.RELEASE_MANAGER, 4), (Role.SUPPORT, 0), (Role.AUDITOR, 0)])
    def test_links__by_role__are_shown(self, rollout: Rollout, role: Role, links: int) -> None:
        with time_machine.travel(at(25, 12)):
            page = sign_in(role).get(f"/rollouts/{rollout.pk}/")

        assert len(page.context["feedback"].links) == links
        assert page.content.decode().count("/feedback/") == links

    def test_card__after_the_trial__shows_its_own_days_and_no_links(self, rollout: Rollout) -> None:
        say(rollout, 0, now=at(26, 11))
        pilot = rollout.phases.get(kind="pilot")
        rollout.phases.filter(pk=pilot.pk).update(status=PhaseStatus.DONE)
        over_on = local_day(pilot.ends_at, zone=ZoneInfo(rollout.zone))

        with time_machine.travel(pilot.ends_at + timedelta(days=1, hours=9)):
            card = sign_in().get(f"/rollouts/{rollout.pk}/").context["feedback"]

        assert card.links == []
        assert card.days
        assert all(one.day < over_on for one in card.days)

    def test_links__shown__open_the_page(self, rollout: Rollout) -> None:
        with time_machine.travel(at(25, 12)):
            card = sign_in().get(f"/rollouts/{rollout.pk}/").context["feedback"]
            answers = {Client().get("/" + one.url.split("/", 3)[3]).status_code for one in card.links}

        assert answers == {200}

    def test_card__twenty_answers__takes_as_many_queries_as_two(self, world: World) -> None:
        rollout = make_trial(world, pilots=20)
        run(rollout, now=at(25, 6))
        with time_machine.travel(at(25, 13)):
            client = sign_in()
            counts = []
            for numbers in (range(2), range(2, 20)):
                for number in numbers:
                    say(rollout, number, now=at(25, 11), flag_id=world.flags[number % 3].pk, text="Bien")
                    report(world, flag=None, now=at(25, 11, number))
                client.get(f"/rollouts/{rollout.pk}/")
                with CaptureQueriesContext(connection) as queries:
                    client.get(f"/rollouts/{rollout.pk}/")
                counts.append(len(queries))

        assert counts[0] == counts[1]
        assert Sample.objects.count() == 20

    def test_gate__on_the_page__says_how_many_of_how_many(self, rollout: Rollout) -> None:
        say(rollout, 0, now=at(25, 11))

        with time_machine.travel(at(25, 12)):
            page = sign_in().get(f"/rollouts/{rollout.pk}/").content.decode()

        assert "Feedback today is missing" in page
        assert "1 of 3" in page


class TestEvening:
    def _send(self, now: datetime) -> int:
        with time_machine.travel(now):
            return int(send_daily_summaries())

    def test_summary__at_six_in_the_evening__is_told_once_a_day(self, world: World, rollout: Rollout) -> None:
        sign_in()
        say(rollout, 0, now=at(25, 11), rating=2, text="Marie is cross")
        say(rollout, 1, now=at(25, 11), rating=5)
        make_complaint(world.environment, site=world.sites[0], flag=world.flags[0], now=at(25, 11))

        assert [self._send(moment) for moment in (at(25, 17, 59), at(25, 18), at(25, 18, 1), at(25, 23))] == [
            0,
            1,
            0,
            0,
        ]

        event = Event.objects.get(kind="daily_summary")
        assert say_subject(event) == "The day of release 1.3 in staging: 3.5 of 5 from 2 people, complaints: 1"
        flag = world.flags[0]
        assert flag.name in say_body(event)
        assert flag.key not in say_body(event)
        assert "Marie" not in str(event.data)
        assert Delivery.objects.filter(event=event).exists()
        assert self._send(at(26, 18)) == 1

    def test_summary__of_a_paused_rollout_without_feedback__says_so(self, rollout: Rollout) -> None:
        pause_rollout(rollout_id=rollout.pk, **(BY | {"now": at(25, 12)}))

        assert self._send(at(25, 18)) == 1
        event = Event.objects.get(kind="daily_summary")
        assert "no feedback" in say_subject(event)
        assert "—" not in say_subject(event) + say_body(event)

    def test_summary__on_a_sunday__is_not_told(self, rollout: Rollout) -> None:
        assert self._send(at(29, 18)) == 0

    def test_summary__of_a_rehearsal__is_not_told(self, world: World) -> None:
        rollout = make_trial(world, day_seconds=60)
        run(rollout, now=rollout.phases.earliest("position").starts_at)

        assert self._send(at(24, 18) + timedelta(hours=1)) == 0
