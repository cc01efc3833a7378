"""What goes to endpoints, with real receivers and their bad habits: once, in order, later, or given up in sight."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
import time_machine
from django.db import connection
from standardwebhooks import Webhook

from core import clock
from core.roles import Role
from notifications import posting, senders, tasks
from notifications.domain.audience import CREW
from notifications.domain.retry import LEASE
from notifications.ledger_queries import Outcome, outcome_of
from notifications.models import Channel, Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event
from notifications.outside_transitions import claim_parcel, mark_parcel_sent
from notifications.resending import send_again
from notifications.tasks import deliver_outside
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_endpoint, make_event
from tests.notifications.receivers import Receiver, receiving
from tests.signed_in import sign_in

SECRET = "T0P-S3CRET-PATH"


@pytest.fixture(autouse=True)
def _loopback(settings: object) -> None:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.1/32")]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def _statuses(endpoint: Endpoint) -> list[str]:
    return list(Delivery.objects.filter(endpoint=endpoint).order_by("pk").values_list("status", flat=True))


def _endpoint(endpoint: Endpoint) -> Endpoint:
    return Endpoint.objects.select_related("line").get(pk=endpoint.pk)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [Channel.SLACK, Channel.MATTERMOST, Channel.TEAMS])
def test_deliver__chat__gets_the_message_in_its_own_shape(receiver: Receiver, kind: Channel) -> None:
    make_endpoint(receiver.url, kind=kind)
    make_event(data={"release": "1.3", "environment": "prod", "reason": "<!channel> @all *now* & <http://x.example>"})

    assert deliver_outside() == 1

    (got,) = receiver.received
    assert got.headers["content-type"].startswith("application/json")
    said = got.json
    assert "paused in prod" in str(said)
    text = got.body.decode()
    if kind is Channel.SLACK:
        assert said["blocks"][0]["type"] == "header"
        assert all(one["text"]["type"] == "plain_text" for one in said["blocks"] if "text" in one)
        assert "<!channel>" not in said["text"]
    if kind is Channel.MATTERMOST:
        assert "@all" not in text
        assert "\\*now\\*" in said["text"]
    if kind is Channel.TEAMS:
        (card,) = said["attachments"]
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert card["content"]["version"] == "1.4"


@pytest.mark.django_db
def test_deliver__signed_webhook__is_verified_by_the_specifications_own_library(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url, kind=Channel.WEBHOOK)
    event = make_event()

    assert deliver_outside() == 1

    (got,) = receiver.received
    with time_machine.travel(NOW):
        said = Webhook(endpoint.secret).verify(got.body, got.headers)  # type: ignore[attr-defined]
    delivery = Delivery.objects.get(endpoint=endpoint)
    assert got.headers["webhook-id"] == f"delivery-{delivery.pk}"
    assert said["type"] == "rollout_paused"
    assert said["data"]["event_id"] == str(event.pk)
    assert said["data"]["environment"] == "prod"
    assert set(said["data"]["words"]) == {"fr", "en"}


@pytest.mark.django_db
@pytest.mark.parametrize("status", [500, 502, 503, 408, 425])
def test_deliver__receiver_is_ill__waits_longer_each_time_and_then_arrives(
    receiver: Receiver, status: int, _clock: time_machine.Traveller
) -> None:
    receiver.answers = [status, status]
    endpoint = make_endpoint(receiver.url)
    make_event()

    assert deliver_outside() == 0
    first = _endpoint(endpoint).line.free_at - clock.now()
    assert deliver_outside() == 0
    assert len(receiver.received) == 1, "not before its time"
    _clock.shift(first)
    assert deliver_outside() == 0
    assert f"HTTP {status}" in _endpoint(endpoint).line.last_error
    assert _endpoint(endpoint).line.failures == 2
    _clock.shift(timedelta(seconds=10))
    assert deliver_outside() == 1

    assert _statuses(endpoint) == [DeliveryStatus.SENT]
    assert _endpoint(endpoint).line.failures == 0


@pytest.mark.django_db
def test_deliver__asked_to_come_at_once__waits_as_after_any_failure(
    receiver: Receiver, _clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_jitter", lambda: 0.0)
    receiver.answers, receiver.headers = [429], {"Retry-After": "0"}
    endpoint = make_endpoint(receiver.url)
    make_event()

    assert deliver_outside() == 0
    assert _endpoint(endpoint).line.free_at == NOW + timedelta(seconds=2.5)


def test_deliver__asked_to_come_later__waits_just_as_long(receiver: Receiver, _clock: time_machine.Traveller) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": "120"}
    endpoint = make_endpoint(receiver.url)
    make_event()

    assert deliver_outside() == 0
    assert _endpoint(endpoint).line.free_at == NOW + timedelta(seconds=120)
    _clock.shift(timedelta(seconds=119))
    assert deliver_outside() == 0
    _clock.shift(timedelta(seconds=1))

    assert deliver_outside() == 1
    assert len(receiver.received) == 2


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "words"), [(410, b"no_active_hooks"), (404, b""), (403, b""), (302, b"")])
def test_deliver__address_is_gone__closes_the_channel_and_tells_elsewhere(
    receiver: Receiver, status: int, words: bytes
) -> None:
    receiver.status, receiver.body = status, words
    receiver.headers = {"Location": "http://127.0.0.1:1/elsewhere"} if status == 302 else {}
    manager = make_person(Role.RELEASE_MANAGER)
    endpoint = make_endpoint(receiver.url)
    with receiving() as other:
        second = make_endpoint(other.url)
        make_event(url="/rollouts/1/")
        make_event(url="/rollouts/2/")

        for minute in range(4):
            with time_machine.travel(NOW + minute * timedelta(minutes=1), tick=False):
                deliver_outside()

        assert _endpoint(endpoint).status == EndpointStatus.BROKEN
        assert len(receiver.received) == 1, "nothing is followed, and nothing is tried again"
        assert _statuses(endpoint) == [DeliveryStatus.DEAD, DeliveryStatus.DEAD]
        told = Event.objects.get(kind="channel_broken")
        assert set(told.deliveries.values_list("channel", flat=True)) == {"inbox", "email", "slack"}
        assert told.deliveries.filter(recipient=manager).count() == 2
        assert any("takes nothing any more" in str(one.json) for one in other.received)
        assert _endpoint(second).status == EndpointStatus.ACTIVE
    history = Endpoint.history.filter(id=endpoint.pk).latest("history_id")
    assert history.actor_label == "courier"
    assert (words.decode() or f"HTTP {status}") in _endpoint(endpoint).line.last_error


@pytest.mark.django_db
def test_deliver__one_message_refused__is_given_up_and_the_channel_goes_on(receiver: Receiver) -> None:
    receiver.answers = [400]
    endpoint = make_endpoint(receiver.url)
    make_person(Role.ADMIN)
    make_event(url="/rollouts/1/")
    make_event(url="/rollouts/2/")

    while deliver_outside():
        pass
    with time_machine.travel(NOW + timedelta(minutes=1)):
        deliver_outside()

    assert _statuses(endpoint) == [DeliveryStatus.DEAD, DeliveryStatus.SENT]
    assert _endpoint(endpoint).status == EndpointStatus.ACTIVE
    assert Event.objects.filter(kind="delivery_failed").count() == 1


@pytest.mark.django_db
def test_deliver__receiver_hangs__is_let_go_and_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS", 1.0)
    with receiving(habit="hangs") as slow, receiving() as quick:
        hanging, other = make_endpoint(slow.url), make_endpoint(quick.url)
        make_event()

        assert deliver_outside() == 1

        assert _statuses(other) == [DeliveryStatus.SENT]
        assert _statuses(hanging) == [DeliveryStatus.PENDING]
        assert _endpoint(hanging).line.last_error == "timed_out"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("habit", "status", "error"),
    [
        ("closes", DeliveryStatus.PENDING, "unreachable"),
        ("half", DeliveryStatus.SENT, ""),
        ("endless", DeliveryStatus.SENT, ""),
    ],
)
def test_deliver__answer_breaks_off_or_never_ends__counts_by_its_status(
    receiver: Receiver, habit: str, status: str, error: str
) -> None:
    receiver.habit = habit
    endpoint = make_endpoint(receiver.url)
    make_event()

    deliver_outside()

    assert _statuses(endpoint) == [status]
    assert _endpoint(endpoint).line.last_error == error


@pytest.mark.django_db
def test_deliver__teams_says_taken_and_posts_nothing__is_a_failure(receiver: Receiver) -> None:
    receiver.body = b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    endpoint = make_endpoint(receiver.url, kind=Channel.TEAMS)
    make_event()

    deliver_outside()

    assert _statuses(endpoint) == [DeliveryStatus.PENDING]


@pytest.mark.django_db
def test_deliver__address_leads_inside__is_refused_at_the_connect(receiver: Receiver, settings: object) -> None:
    endpoint = make_endpoint(receiver.url)
    make_event()
    settings.OUTBOUND_NETWORKS = []  # type: ignore[attr-defined]

    deliver_outside()

    assert receiver.received == []
    assert _endpoint(endpoint).status == EndpointStatus.BROKEN
    assert _endpoint(endpoint).line.last_error == "address_refused"


@pytest.mark.django_db
def test_deliver__same_thing__stays_in_order_beside_what_is_urgent(
    receiver: Receiver, _clock: time_machine.Traveller
) -> None:
    make_endpoint(receiver.url, kind=Channel.WEBHOOK)
    make_event(url="/rollouts/1/")
    make_event(url="/incidents/7/", kind="incident_word")
    urgent = make_event(url="/incidents/7/", kind="incident_missed")
    other = make_event(url="/incidents/8/", kind="incident_opened")

    for _ in range(4):
        deliver_outside()
        _clock.shift(timedelta(seconds=1))

    order = [one.json["data"]["event_id"] for one in receiver.received]
    assert order[:3] == [str(urgent.pk - 1), str(urgent.pk), str(other.pk)]
    assert len(order) == 4


@pytest.mark.django_db
def test_deliver__outdated_while_the_channel_was_away__only_the_newest_is_sent(
    receiver: Receiver, _clock: time_machine.Traveller
) -> None:
    receiver.answers = [503]
    endpoint = make_endpoint(receiver.url)
    for kind in ("incident_half", "incident_short", "incident_missed"):
        make_event(url="/incidents/7/", kind=kind, data={"number": 7, "title": "Till", "left": 60})
    deliver_outside()

    _clock.shift(timedelta(minutes=1))
    deliver_outside()

    assert _statuses(endpoint) == [DeliveryStatus.REPLACED, DeliveryStatus.REPLACED, DeliveryStatus.SENT]
    newest = Delivery.objects.filter(endpoint=endpoint).latest("pk")
    assert outcome_of(Delivery.objects.filter(endpoint=endpoint).earliest("pk")) is Outcome.REPLACED
    assert set(Delivery.objects.filter(replaced_by=newest).values_list("event__kind", flat=True)) == {
        "incident_half",
        "incident_short",
    }
    assert "past its time" in str(receiver.received[-1].json)


@pytest.mark.django_db
def test_deliver__flood__comes_as_one_message_and_each_of_it_counts_as_sent(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    events = [make_event(url=f"/rollouts/{number}/", data={"release": f"1.{number}"}) for number in range(10)]

    assert deliver_outside() == 1

    (got,) = receiver.received
    assert "10 messages at once" in got.json["text"]
    assert all(f"1.{number}" in str(got.json) for number in range(10))
    assert _statuses(endpoint) == [DeliveryStatus.SENT] * len(events)
    first = Delivery.objects.filter(endpoint=endpoint).earliest("pk")
    assert Delivery.objects.filter(sent_with=first).count() == 9


@pytest.mark.django_db(transaction=True)
def test_deliver__many_couriers_at_once__each_event_reaches_each_endpoint_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Couriers in two processes do not share the lock of one: each has its own here."""
    with receiving() as first, receiving() as second:
        for receiver in (first, second):
            make_endpoint(receiver.url, kind=Channel.WEBHOOK)
        events = [make_event(url=f"/rollouts/{number}/") for number in range(12)]

        def work(_: int) -> None:
            try:
                with ThreadPoolExecutor(2) as pool:
                    tasks._send_round(pool)
            finally:
                connection.close()

        for minute in range(14):
            with time_machine.travel(NOW + minute * timedelta(minutes=1), tick=False), ThreadPoolExecutor(4) as pool:
                list(pool.map(work, range(4)))

        for receiver in (first, second):
            ids = [one.json["data"]["event_id"] for one in receiver.received]
            assert ids == [str(one.pk) for one in events], "each once, in order"
            deliveries = [one.headers["webhook-id"] for one in receiver.received]
            assert len(set(deliveries)) == len(events)


@pytest.mark.django_db
def test_deliver__courier_killed_after_sending__sends_once_more_under_the_same_id(
    receiver: Receiver, _clock: time_machine.Traveller
) -> None:
    make_endpoint(receiver.url, kind=Channel.WEBHOOK)
    make_event()
    claim = claim_parcel(now=clock.now())
    assert claim is not None
    senders.send_parcel(claim)

    assert deliver_outside() == 0, "leased still"
    _clock.shift(LEASE)
    assert deliver_outside() == 1
    assert deliver_outside() == 0

    first, again = receiver.received
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body


@pytest.mark.django_db
def test_mark_sent__courier_comes_back_after_its_lease__nothing_is_sent_again(
    receiver: Receiver, _clock: time_machine.Traveller
) -> None:
    endpoint = make_endpoint(receiver.url)
    make_event()
    claim = claim_parcel(now=clock.now())
    assert claim is not None
    _clock.shift(LEASE)
    assert claim_parcel(now=clock.now() - timedelta(hours=1)) is None

    mark_parcel_sent(claim=claim, now=clock.now())

    assert _statuses(endpoint) == [DeliveryStatus.SENT]
    assert deliver_outside() == 0


@pytest.mark.django_db
def test_claim__endpoint_is_spoken_with__gets_no_second_conversation(receiver: Receiver) -> None:
    make_endpoint(receiver.url)
    make_event(url="/rollouts/1/")
    make_event(url="/rollouts/2/")

    assert claim_parcel(now=NOW) is not None
    assert claim_parcel(now=NOW) is None


@pytest.mark.django_db
def test_deliver__pace__leaves_the_gap_that_was_asked_for(receiver: Receiver, _clock: time_machine.Traveller) -> None:
    make_endpoint(receiver.url, per_minute=2)
    make_event(url="/rollouts/1/")
    make_event(url="/rollouts/2/")

    assert deliver_outside() == 1
    _clock.shift(timedelta(seconds=29))
    assert deliver_outside() == 0
    _clock.shift(timedelta(seconds=1))

    assert deliver_outside() == 1


@pytest.mark.django_db
def test_send_again__channel_mended__the_message_arrives(receiver: Receiver) -> None:
    receiver.answers = [400]
    make_endpoint(receiver.url)
    make_event()
    deliver_outside()
    dead = Delivery.objects.get(status=DeliveryStatus.DEAD, endpoint__isnull=False)

    send_again(delivery_id=dead.pk, now=NOW)
    with time_machine.travel(NOW + timedelta(minutes=1)):
        assert deliver_outside() == 1

    dead.refresh_from_db()
    assert dead.status == DeliveryStatus.SENT


@pytest.mark.django_db
def test_address__whatever_happens__stands_in_no_record_log_page_or_error(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.status, receiver.body = 500, receiver.url.encode()
    endpoint = make_endpoint(receiver.url)
    make_event(audience=CREW)
    with caplog.at_level("DEBUG"):
        deliver_outside()

    stored = [
        str(row) for model in (Endpoint, Delivery, Event, Endpoint.history.model) for row in model.objects.values()
    ]
    reader = sign_in()
    pages = [reader.get(path).content.decode() for path in ("/channels/", f"/channels/{endpoint.pk}/", "/told/")]
    assert not any(SECRET in text for text in [*stored, *pages, caplog.text])
    assert endpoint.address_hint == "127.0.0.1"


def test_round__already_running__a_second_one_sends_nothing(receiver: Receiver) -> None:
    make_endpoint(receiver.url, kind=Channel.WEBHOOK)
    make_event()

    with tasks._outside_runs:
        assert deliver_outside() == 0
    assert receiver.received == []
    assert deliver_outside() == 1
