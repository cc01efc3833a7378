"""The process of its own in which the outbox is measured, on a database and a mail server that nobody else works on."""

import json
import threading
import time
from dataclasses import asdict

from bench.outbox import MOST_RATIO, READERS, URGENT, WRITTEN_WITHIN_SECONDS, Measured
from tests import plugin_servers

plugin_servers.start()

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from core import clock
from core.actors import DEMO
from core.people import create_person
from core.roles import Role
from notifications.bulk_transitions import list_users, start_broadcast
from notifications.contact_transitions import Row, add_users
from notifications.domain.audience import Audience
from notifications.models import Event
from notifications.tasks import deliver, deliver_bulk
from notifications.transitions import publish
from tests.notifications.mail_server import serving

AUTHOR = "bench-manager"


def _main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    settings.BULK_PER_MINUTE = 1_000_000
    user = create_person(
        username=AUTHOR,
        email="manager@example.org",
        roles=[Role.RELEASE_MANAGER],
        actor=DEMO,
        reason="bench",
        now=clock.now(),
    )
    audience = Audience(user_ids=frozenset({user.pk}))
    add_users([Row(f"reader{number}@example.org") for number in range(READERS)], now=clock.now())
    with serving() as server:
        alone = _median([_time_urgent(audience, number) for number in range(URGENT)])
        _tell("an announcement to 10,000 readers is written in", _write(), "s", WRITTEN_WITHIN_SECONDS)
        stop = threading.Event()
        courier = threading.Thread(target=_send_bulk, args=[stop])
        courier.start()
        before = len(server.taken)
        beside = _median([_time_urgent(audience, URGENT + number) for number in range(URGENT)])
        went_out = len(server.taken) - before - URGENT
        stop.set()
        courier.join()
    _tell("an urgent mail beside the broadcast, to one alone", beside / alone, "×", MOST_RATIO)
    # None would say that nothing went out beside them, and the ratio nothing.
    _tell("urgent mails for each mail of the broadcast meanwhile", URGENT / max(went_out, 1), "×", 1.0)


def _write() -> float:
    contacts, now = list(list_users()), clock.now()
    event = Event.objects.create(
        kind="announcement",
        data={"announced_title": {"fr": "Arrêt", "en": "Stop"}, "announced_text": {"fr": "À 20 h.", "en": "At 8."}},
        dedupe_key="bench",
        created_at=now,
    )
    began = time.perf_counter()
    start_broadcast(event=event, contacts=contacts, actor=DEMO, reason="bench", now=now)
    return time.perf_counter() - began


def _time_urgent(audience: Audience, number: int) -> float:
    began = time.perf_counter()
    publish(
        kind="incident_opened",
        data={"number": number, "title": "Till"},
        audience=audience,
        dedupe_key=f"urgent:{number}",
        now=clock.now(),
    )
    if deliver() != 1:
        raise SystemExit("an urgent mail did not go out")
    return time.perf_counter() - began


def _send_bulk(stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            deliver_bulk()
    finally:
        connection.close()


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _tell(name: str, value: float, unit: str, bound: float) -> None:
    print(json.dumps(asdict(Measured(name, value, unit, bound))), flush=True)


if __name__ == "__main__":
    _main()
