"""The head of the history chain goes out once a day to those who keep the records."""

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.chain import seal_history, verify_history
from core.roles import Role
from notifications.models import Channel, Delivery, Event
from releaseportal import tasks
from releaseportal.schedule import SCHEDULE
from tests.factories.core import NOW, make_person


@pytest.mark.django_db(transaction=True)
def test_send_history_head__each_day_once__to_admins_and_auditors(monkeypatch: pytest.MonkeyPatch) -> None:
    admin, auditor = make_person(Role.ADMIN), make_person(Role.AUDITOR)
    make_person(Role.SUPPORT)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert tasks.send_history_head() is False
    seal_history(now=datetime.now(UTC))

    sent = [tasks.send_history_head(), tasks.send_history_head()]
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=1))
    sent.append(tasks.send_history_head())

    assert sent == [True, False, True]
    event = Event.objects.order_by("pk").first()
    assert event is not None
    found = verify_history(expected_head=event.data["head"])
    assert (found.fault, found.head, found.links) == (None, event.data["head"], event.data["links"])
    mails = Delivery.objects.filter(event=event, channel=Channel.EMAIL)
    assert set(mails.values_list("recipient_id", flat=True)) == {admin.pk, auditor.pk}


def test_schedule__daily_duties__are_in_it() -> None:
    tasks_due = {row.task for row in SCHEDULE}

    assert {"releaseportal.tasks.send_history_head", "health.tasks.forget_old_words"} <= tasks_due
    assert {"incidents.tasks.warn_of_deadlines", "incidents.tasks.remind_of_measures"} <= tasks_due
