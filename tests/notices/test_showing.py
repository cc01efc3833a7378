"""Notices shown, put right and taken away; none is ever changed."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.actors import DEMO, person
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.roles import Role
from core.versions import get_version
from flags.models import Environment
from notices.domain.levels import Standing
from notices.models import Notice
from notices.queries import list_by_standing, list_gone, load_boards
from notices.transitions import correct_notice, show_notice, take_notice_away
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_flag, make_site
from tests.factories.notices import make_notice, make_wish

pytestmark = pytest.mark.django_db

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test"}
HOUR = timedelta(hours=1)


@pytest.fixture
def environment() -> Environment:
    return make_environment()


def test_show__now__stands_with_its_sites_and_flags_on_record(environment: Environment) -> None:
    site, flag, user = make_site(), make_flag(), make_person(Role.SUPPORT)
    wish = make_wish(site_ids=[site.pk], flag_ids=[flag.pk])

    notice = show_notice(environment_id=environment.pk, wish=wish, actor=person(user), reason="Prices", now=NOW)

    [board] = load_boards(now=NOW)[environment.pk]
    assert [*board.site_keys, *board.flag_keys] == [site.key, flag.key]
    assert (notice.written_by, notice.starts_at, notice.find_standing(NOW)) == (user, NOW, Standing.CURRENT)
    assert notice.history.get().history_change_reason == "Prices"


def test_show__later_and_for_a_while__is_to_come_current_and_past(environment: Environment) -> None:
    notice = make_notice(environment, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)

    standings = [notice.find_standing(NOW + count * HOUR) for count in range(3)]

    assert standings == [Standing.SCHEDULED, Standing.CURRENT, Standing.PAST]
    assert load_boards(now=NOW + 2 * HOUR) == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"level": "loud"}, "notice_level_unknown"),
        ({"title_fr": "", "text_fr": " ", "title_en": "", "text_en": ""}, "notice_unsaid"),
        ({"text_en": ""}, "notice_half_said"),
        ({"title_fr": "x" * 121}, "notice_title_too_long"),
        ({"text_fr": "x" * 1_001}, "notice_text_too_long"),
        ({"text_fr": "a\x00b"}, "notice_unreadable"),
        ({"hotline": "javascript:alert(1)"}, "notice_hotline_wrong"),
        ({"hotline": "()"}, "notice_hotline_wrong"),
        ({"ends_at": NOW}, "notice_ends_early"),
        ({"next_update_at": NOW}, "notice_promise_wrong"),
        ({"next_update_at": NOW + 2 * HOUR, "ends_at": NOW + HOUR}, "notice_promise_wrong"),
        ({"site_ids": [0]}, "notice_sites_wrong"),
        ({"flag_ids": [0]}, "notice_flags_wrong"),
    ],
)
def test_show__what_cannot_be__is_refused_and_nothing_stands(
    environment: Environment, change: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_notice(environment, **change)

    assert refused.value.code == code
    assert not Notice.objects.exists()


def test_show__in_one_language__stands(environment: Environment) -> None:
    assert make_notice(environment, title_en="", text_en="").title_fr


def test_show__the_same_source_again__is_answered_with_what_stands(environment: Environment) -> None:
    first = make_notice(environment, source="announcement:12")

    again = make_notice(environment, source="announcement:12", now=NOW + HOUR)

    assert again == first
    with pytest.raises(Refusal, match="notice_source_shown"):
        make_notice(environment, source="announcement:12", title_fr="Autre chose")


def test_show__a_source_that_is_over__is_followed(environment: Environment) -> None:
    first = make_notice(environment, source="announcement:12", ends_at=NOW + HOUR)

    second = make_notice(environment, source="announcement:12", now=NOW + 2 * HOUR)

    first.refresh_from_db()
    assert first.superseded_by == second


def test_correct__what_stands__is_another_that_keeps_the_source(environment: Environment) -> None:
    old = make_notice(environment, source="announcement:12")
    seen = get_version(old)

    new = correct_notice(notice_id=old.pk, wish=make_wish(title_fr="Prix justes"), seen=seen, now=NOW + HOUR, **BY)

    old.refresh_from_db()
    assert (old.superseded_by, old.title_fr) == (new, "Les prix sont faux")
    assert (new.source, new.starts_at) == ("announcement:12", NOW + HOUR)
    assert [one.number for one in load_boards(now=NOW + HOUR)[environment.pk]] == [new.pk]
    with pytest.raises(Refusal, match="changed_meanwhile"):
        correct_notice(notice_id=old.pk, wish=make_wish(), seen=seen, now=NOW, **BY)


def test_take_away__what_stands__is_gone_with_its_reason(environment: Environment) -> None:
    notice = make_notice(environment)

    take_notice_away(notice_id=notice.pk, now=NOW + HOUR, **BY)

    notice.refresh_from_db()
    assert notice.find_standing(NOW + HOUR) is Standing.TAKEN_AWAY
    assert load_boards(now=NOW + HOUR) == {}
    for act in (take_notice_away, lambda **given: correct_notice(wish=make_wish(), **given)):
        with pytest.raises(Refusal, match="notice_is_over"):
            act(notice_id=notice.pk, now=NOW + HOUR, **BY)


def test_lists__of_an_environment__part_what_stands_comes_and_is_gone(environment: Environment) -> None:
    current = make_notice(environment)
    to_come = make_notice(environment, starts_at=NOW + 9 * HOUR)
    over = make_notice(environment, ends_at=NOW + HOUR)
    make_notice(make_environment())
    now = NOW + 2 * HOUR

    assert list_by_standing(environment.pk, now=now) == ([current], [to_come])
    assert list_gone(environment.pk, now=now, before=None) == ([over], None)


@pytest.mark.parametrize(
    "broken",
    [
        {"level": "loud"},
        {"title_fr": "", "text_fr": "", "title_en": "", "text_en": ""},
        {"text_fr": ""},
        {"title_en": ""},
        {"ends_at": NOW},
        {"next_update_at": NOW},
    ],
)
def test_database__what_cannot_be__is_refused(environment: Environment, broken: dict[str, Any]) -> None:
    notice = make_notice(environment)
    for name, value in broken.items():
        setattr(notice, name, value)

    with pytest.raises(IntegrityError, match="notices_"), transaction.atomic(), recorded(now=NOW, **BY):
        notice.save()


def test_database__taken_away_and_put_right__is_refused(environment: Environment) -> None:
    notice, other = make_notice(environment), make_notice(environment)
    notice.taken_away_at, notice.superseded_by = NOW, other

    with pytest.raises(IntegrityError, match="notices_gone_once"), transaction.atomic(), recorded(now=NOW, **BY):
        notice.save()


@pytest.mark.parametrize("name", ["starts_at", "ends_at", "next_update_at"])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5))),
        datetime(9999, 12, 31, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
    ],
)
def test_show__in_no_year_of_any_calendar__is_refused_and_every_board_can_be_read(
    environment: Environment, name: str, moment: datetime
) -> None:
    make_notice(environment)

    with pytest.raises(InvalidInput) as refused:
        show_notice(environment_id=environment.pk, wish=make_wish(**{name: moment}), now=NOW, **BY)

    assert refused.value.code == "notice_moment_wrong"
    assert len(load_boards(now=NOW)[environment.pk]) == 1
