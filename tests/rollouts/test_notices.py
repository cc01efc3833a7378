"""`/notices/v1/`: a till tells its cashier what is new on the site's day, and no longer than it has it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from core.actors import SCHEDULER
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag
from flags.snapshots import KEEPER
from flags.tokens import USES
from flags.transitions import edit_flag, kill_flag
from flags.transitions.picturing import set_note_picture
from rollouts.models import Rollout, StepStatus
from rollouts.notice_queries import list_notices
from rollouts.transitions.partial_rollback import give_back_site, roll_back_site, undo_steps
from tests.asgi import Answer, ask
from tests.factories.pictures import draw_picture
from tests.factories.world import NOW, WHY, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db(transaction=True)

BY: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
NOTE = "Les prix courants ont leur bouton.\nUn appui suffit."


class Shop:
    """A rehearsal that has reached the first of its sites, on that site's day."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = make_world()
        self._patch = monkeypatch
        self.rollout: Rollout = make_rehearsal(self.world)
        self.site = self.world.sites[0]
        step = self.rollout.steps.filter(site=self.site).order_by("position").last()
        assert step is not None
        seconds = int((step.due_at - NOW).total_seconds()) + 1
        self.now = play(self.world, self.rollout, start=NOW, seconds=seconds)
        self.be_at(self.now)

    def be_at(self, now: datetime) -> None:
        self._patch.setattr(clock, "now", lambda: now)

    def write(self, flag: Flag, note: str = NOTE) -> None:
        edit_flag(
            flag_id=flag.pk,
            name=flag.name,
            description="",
            owner="",
            cashier_note_fr=note,
            documentation_url="https://docs.example/buttons",
            criticality=flag.criticality,
            expires_on=None,
            is_permanent=False,
            now=NOW,
            **BY,
        )

    def read(self, site: str = "", *, purpose: Purpose = Purpose.CLIENT, **headers: str) -> Answer:
        KEEPER.refresh()
        raw = self.world.tokens[purpose][1]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(
            "/notices/v1/current",
            query=f"site={site or self.site.key}",
            headers={"authorization": f"Bearer {raw}"} | named,
        )

    def list_told(self, site: str = "") -> list[str]:
        return [one["flag"] for one in self.read(site).json()["notices"]]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    # The worker threads' connections end with each request, so that none outlives the test.
    monkeypatch.setitem(settings.DATABASES["default"], "CONN_MAX_AGE", 0)
    KEEPER.clear()
    yield Shop(monkeypatch)
    KEEPER.clear()
    USES.flush()


def test_notices__on_the_sites_day__tell_the_notes_of_what_it_got(shop: Shop) -> None:
    flag = shop.world.flags[0]
    shop.write(flag)

    answer = shop.read()

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    (notice,) = answer.json()["notices"]
    assert (notice["flag"], notice["title"], notice["text"]) == (flag.key, flag.name, NOTE)
    assert (notice["kind"], notice["language"], notice["picture"]) == ("new_feature", "fr", None)
    assert notice["documentation"] == "https://docs.example/buttons"
    assert datetime.fromisoformat(notice["since"]) <= shop.now < datetime.fromisoformat(notice["until"])


def test_notices__a_till_in_english__reads_that_the_note_is_in_french(shop: Shop) -> None:
    shop.write(shop.world.flags[0])

    (notice,) = shop.read(f"{shop.site.key}&language=en").json()["notices"]

    assert (notice["text"], notice["language"], notice["mark"]) == (NOTE, "fr", "[in French]")


def test_notices__of_a_site_whose_day_is_to_come__tell_nothing(shop: Shop) -> None:
    shop.write(shop.world.flags[0])

    assert shop.list_told(shop.world.sites[1].key) == []


def test_notices__the_day_after__tell_nothing(shop: Shop) -> None:
    shop.write(shop.world.flags[0])

    shop.be_at(shop.now + timedelta(days=1))

    assert shop.list_told() == []


def test_notices__flag_killed__tell_the_others_alone(shop: Shop) -> None:
    first, second = shop.world.flags[:2]
    shop.write(first)
    shop.write(second)
    kill_flag(flag_id=first.pk, environment_id=shop.world.environment.pk, now=shop.now, **BY)

    assert shop.list_told() == [second.key]


def test_notices__site_taken_back_and_given_back__are_silent_meanwhile(shop: Shop) -> None:
    flag = shop.world.flags[0]
    shop.write(flag)

    roll_back_site(rollout_id=shop.rollout.pk, site_id=shop.site.pk, now=shop.now, **BY)
    assert shop.list_told() == []

    give_back_site(rollout_id=shop.rollout.pk, site_id=shop.site.pk, now=shop.now, **BY)
    assert shop.list_told() == [flag.key]


def test_notices__step_undone__tell_nothing(shop: Shop) -> None:
    flag = shop.world.flags[0]
    shop.write(flag)
    step = shop.rollout.steps.get(site=shop.site, flag=flag, status=StepStatus.DONE)

    undo_steps(rollout_id=shop.rollout.pk, step_ids=[step.pk], now=shop.now, **BY)

    assert shop.list_told() == []


def test_notices__unchanged__are_304(shop: Shop) -> None:
    shop.write(shop.world.flags[0])
    etag = shop.read().headers["etag"]

    again = shop.read(if_none_match=etag)
    assert (again.status, again.body) == (304, b"")

    shop.write(shop.world.flags[0], "Autre chose.")
    assert shop.read(if_none_match=etag).status == 200


def test_notices__of_another_purpose_or_nobody__are_refused(shop: Shop) -> None:
    assert shop.read(purpose=Purpose.SERVER).status == 200
    assert {shop.read(purpose=purpose).status for purpose in (Purpose.TELEMETRY, Purpose.MANAGE)} == {403}
    assert ask("/notices/v1/current", query=f"site={shop.site.key}").status == 401


@pytest.mark.parametrize("site", ["nowhere", "a%00b", "x" * 2_000, "%F0%9F%92%A5"])
def test_notices__of_a_site_nobody_knows__are_404_in_words(shop: Shop, site: str) -> None:
    answer = shop.read(site)

    assert (answer.status, answer.json()["errorCode"]) == (404, "SITE_NOT_FOUND")


def test_picture__of_a_note__is_given_to_tills_alone(shop: Shop) -> None:
    flag = shop.world.flags[0]
    shop.write(flag)
    set_note_picture(flag_id=flag.pk, uploaded=draw_picture(), now=NOW, **BY)
    (notice,) = shop.read().json()["notices"]
    path, raw = notice["picture"]["url"], shop.world.tokens[Purpose.CLIENT][1]

    given = ask(path, headers={"authorization": f"Bearer {raw}"})

    assert (given.status, given.headers["content-type"]) == (200, "image/webp")
    assert given.body[8:12] == b"WEBP"
    assert ask(path).status == 401
    missing = ask("/notices/v1/pictures/none.webp", headers={"authorization": f"Bearer {raw}"})
    assert (missing.status, missing.json()["errorCode"]) == (404, "PICTURE_NOT_FOUND")


def test_notices__asked_by_a_page__are_for_the_environments_origins(shop: Shop) -> None:
    origin = "https://till.example"
    Environment.objects.filter(pk=shop.world.environment.pk).update(allowed_origins=[origin])
    asked = {"origin": origin, "access-control-request-method": "GET"}
    KEEPER.refresh()

    preflight = ask("/notices/v1/current", method="OPTIONS", headers=asked)

    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "GET, OPTIONS")
    assert shop.read(origin=origin).headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in shop.read(origin="https://elsewhere.example").headers
    assert ask("/notices/v1/current", method="POST").status == 405


def test_notices__however_many__take_as_many_queries(shop: Shop) -> None:
    counts = []
    for flags in (shop.world.flags[:1], shop.world.flags):
        for flag in flags:
            shop.write(flag)
        KEEPER.refresh()
        assert KEEPER.portfolio is not None
        place = shop.world.environment.pk
        served = KEEPER.portfolio.snapshots[place].definition.flags
        with CaptureQueriesContext(connection) as queries:
            found = list_notices(shop.site.key, environment_id=place, definitions=served, now=shop.now)
        assert len(found) == len(flags)
        counts.append(len(queries))

    assert counts[0] == counts[1] == 3
