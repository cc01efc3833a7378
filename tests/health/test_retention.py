"""Complaints' words end after their retention; the complaints stay."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import override_settings

from core import clock
from health import tasks
from health.models import Complaint, ComplaintText, Sample, SiteMinute, TillMinute
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import forget_days, record_samples
from health.transitions import forget_words
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_site
from tests.factories.health import make_complaint, make_value
from tests.factories.world import make_world, report

DAY = timedelta(days=1)


@pytest.mark.django_db
@override_settings(COMPLAINT_TEXT_RETENTION_DAYS=30)
def test_forget_old_words__after_the_set_days__words_go_and_complaints_and_history_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    environment, site = make_environment(), make_site()
    old = make_complaint(environment, site=site, reporter="Marie", now=NOW - 31 * DAY)
    on_the_day = make_complaint(environment, site=site, now=NOW - 30 * DAY)

    assert tasks.forget_old_words() == 1
    assert tasks.forget_old_words() == 0

    assert list(ComplaintText.objects.values_list("pk", flat=True)) == [on_the_day.pk]
    assert Complaint.objects.count() == 2
    assert old.history.count() == 1


@pytest.mark.django_db
def test_forget_words__more_than_one_round_takes__oldest_first() -> None:
    environment, site = make_environment(), make_site()
    young, old = (make_complaint(environment, site=site, now=NOW - days * DAY) for days in (2, 3))

    assert forget_words(logged_before=NOW, at_most=1) == 1

    assert list(ComplaintText.objects.values_list("pk", flat=True)) == [young.pk]
    assert forget_words(logged_before=NOW, at_most=9) == 1
    assert old.pk != young.pk


def test_retention__unset__is_half_a_year() -> None:
    assert settings.COMPLAINT_TEXT_RETENTION_DAYS == 180


@pytest.mark.django_db
def test_forget_old_samples__past_the_retention__go_with_their_day(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    for days in (46, 36, 35, 34, 3, 2):
        report(world, flag=world.flags[0], now=NOW - days * DAY)
    monkeypatch.setattr("core.clock.now", lambda: NOW)

    assert tasks.forget_old_samples() > 0
    assert tasks.forget_old_samples() == 0

    def list_days(model: type[Model], time: str) -> list[int]:
        return [(NOW - moment).days for moment in model._default_manager.order_by(time).values_list(time, flat=True)]

    assert list_days(Sample, "received_at") == [35, 34, 3, 2]
    assert list_days(SiteMinute, "minute") == [36, 35, 34, 3, 2]
    assert list_days(TillMinute, "minute") == [2]


@pytest.mark.django_db
def test_forget_days__samples_that_are_not_rolled_up__stay_with_their_day() -> None:
    world = make_world()
    record_samples(
        source="token:1", environment_id=world.environment.pk, values=[make_value(site="lyon", now=NOW)], now=NOW
    )
    tomorrow = (NOW + DAY).date()

    assert forget_days("health_sample", before=tomorrow) == 0
    roll_up_counts()
    assert forget_days("health_sample", before=tomorrow) > 0

    assert not Sample.objects.exists()
    assert SiteMinute.objects.count() == 1
