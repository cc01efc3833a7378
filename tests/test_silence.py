"""Pages and probes take the scheduler for dead after the same silence."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from core.roles import Role
from releaseportal.probes import check_parts
from releaseportal.schedule import BEAT_LIMIT
from rollouts.models import SchedulerHeartbeat
from tests.factories.core import NOW, make_person

# The probe closes old connections, which a transaction around the test would not survive.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("silence", "alive"), [(BEAT_LIMIT / 2, True), (BEAT_LIMIT * 2, False)])
def test_scheduler__silent_for_a_time__is_the_same_on_the_page_and_for_probes(
    client: Client, silence: timedelta, alive: bool
) -> None:
    SchedulerHeartbeat.objects.create(pk=1, beat_at=NOW - silence)

    with time_machine.travel(NOW, tick=False):
        client.force_login(make_person(Role.SUPPORT))
        assert client.get("/").context["scheduler_alive"] is alive
        assert check_parts()["scheduler"] is alive
