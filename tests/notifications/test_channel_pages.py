"""The pages of channels: added, tried with a code that arrives at the other end, changed, switched off; kept sealed."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
import time_machine
from django.test import Client

from core.roles import Role
from notifications.models import Channel, ChannelTrial, DeliveryStatus, Endpoint, EndpointStatus
from notifications.tasks import deliver_outside
from notifications.trial_transitions import MOST_WRONG_CODES
from tests.factories.core import NOW, make_person
from tests.factories.notifications import make_endpoint, make_event
from tests.notifications.receivers import Receiver
from tests.signed_in import read_version, sign_in, sign_in_as

pytestmark = pytest.mark.django_db

WISH = {
    "name": "#releases",
    "language": "en",
    "least_tier": "",
    "drills": "no",
    "is_urgent_anytime": "on",
    "gathers": "on",
    "per_minute": "600",
    "reason": "The team reads there",
}


@pytest.fixture(autouse=True)
def _clock(settings: Any) -> Iterator[time_machine.Traveller]:
    settings.OUTBOUND_NETWORKS = [ip_network("127.0.0.1/32")]
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def manager() -> Client:
    return sign_in(Role.RELEASE_MANAGER)


def _read_code(receiver: Receiver) -> str:
    """Return the code as a person reads it at the other end."""
    found = re.search(r"Code\W+([A-Z2-7]{6})", receiver.received[-1].body.decode())
    assert found, receiver.received[-1].body
    return found[1]


def _words(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_channel__added_tried_and_confirmed__says_that_it_arrives(manager: Client, receiver: Receiver) -> None:
    added = manager.post("/channels/new/slack/", WISH | {"address": receiver.url}, follow=True)
    endpoint = Endpoint.objects.get()
    page = f"/channels/{endpoint.pk}/"
    assert "The channel is in use" in _words(added)
    assert receiver.url not in _words(added)

    manager.post(f"{page}try/")
    assert deliver_outside() == 1
    trial = ChannelTrial.objects.get()
    wrong = manager.post(f"/channels/tests/{trial.pk}/", {"code": "AAAAAA"}, follow=True)
    right = manager.post(f"/channels/tests/{trial.pk}/", {"code": _read_code(receiver).lower()}, follow=True)

    assert "not the code of this test" in _words(wrong)
    assert "the channel is confirmed" in _words(right)
    assert ChannelTrial.objects.get().has_arrived


def test_trial__guessed_too_often__is_over_and_a_new_one_can_be_sent(
    manager: Client, receiver: Receiver, _clock: time_machine.Traveller
) -> None:
    endpoint = make_endpoint(receiver.url)
    manager.post(f"/channels/{endpoint.pk}/try/")
    deliver_outside()
    trial, code = ChannelTrial.objects.get(), _read_code(receiver)

    for _turn in range(MOST_WRONG_CODES):
        manager.post(f"/channels/tests/{trial.pk}/", {"code": "222222"})
    manager.post(f"/channels/tests/{trial.pk}/", {"code": code})

    assert ChannelTrial.objects.get().has_arrived is None
    _clock.shift(1.0)
    manager.post(f"/channels/{endpoint.pk}/try/")
    assert ChannelTrial.objects.count() == 2


def test_trial__did_not_arrive__is_noted_with_what_the_other_side_answered(manager: Client, receiver: Receiver) -> None:
    receiver.status = 500
    endpoint = make_endpoint(receiver.url)
    manager.post(f"/channels/{endpoint.pk}/try/")
    deliver_outside()

    said = manager.post(f"/channels/tests/{ChannelTrial.objects.get().pk}/", {"arrived": "0"}, follow=True)

    assert "it did not arrive" in _words(said)
    assert "HTTP 500" in _words(said)


def test_trial__of_ones_own_mail__is_answered_by_nobody_else(manager: Client) -> None:
    mia = make_person(Role.SUPPORT, email="mia@example.org")
    sign_in_as(mia).post("/channels/mail/try/")
    trial = ChannelTrial.objects.get()

    answer = manager.post(f"/channels/tests/{trial.pk}/", {"arrived": "0"})

    assert answer.status_code == 403
    assert ChannelTrial.objects.get().has_arrived is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"address": "ftp://chat.example/x"}, "address"),
        ({"address": ""}, "required"),
        ({"name": ""}, "required"),
        ({"per_minute": "0"}, "greater than or equal to 1"),
        ({"hours_from": "08:00"}, "until"),
        ({"reason": ""}, "required"),
    ],
)
def test_form__wrong__says_so_and_keeps_what_was_typed(manager: Client, wrong: dict[str, str], words: str) -> None:
    typed = WISH | {"address": "https://chat.example/hooks/T0P-S3CRET"} | wrong

    answer = manager.post("/channels/new/mattermost/", typed)

    assert answer.status_code == 400
    assert words in _words(answer)
    assert f'value="{typed["name"]}"' in _words(answer) or not typed["name"]
    assert "T0P-S3CRET" not in _words(answer)
    assert not Endpoint.objects.exists()


def test_edit__without_an_address__keeps_the_one_that_is_sealed(manager: Client, receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    path = f"/channels/{endpoint.pk}/edit/"
    assert receiver.url not in _words(manager.get(path))

    version = read_version(manager, path)
    manager.post(path, WISH | {"name": "#tills", "address": "", "version": version})
    stale = manager.post(path, WISH | {"name": "#late", "address": "", "version": version})
    make_event()

    assert Endpoint.objects.get().name == "#tills"
    assert stale.status_code in (400, 409)
    assert deliver_outside() == 1
    assert len(receiver.received) == 1


def test_switch__off_with_a_reason__ends_what_waits_and_on_again_sends_what_is_new(
    manager: Client, receiver: Receiver
) -> None:
    endpoint = make_endpoint(receiver.url)
    make_event()
    path = f"/channels/{endpoint.pk}/switch/"

    assert manager.post(path, {"on": "0", "reason": ""}).status_code == 400
    manager.post(path, {"on": "0", "reason": "The team moved"})
    assert Endpoint.objects.get().status == EndpointStatus.PAUSED
    assert deliver_outside() == 0
    manager.post(path, {"on": "1", "reason": "It is back"})
    make_event()

    assert deliver_outside() == 1
    assert [one.history_change_reason for one in Endpoint.history.order_by("history_id")][-2:] == [
        "The team moved",
        "It is back",
    ]
    assert endpoint.deliveries.filter(status=DeliveryStatus.DEAD).count() == 1


def test_secret__of_a_signed_webhook__is_shown_once(manager: Client, receiver: Receiver) -> None:
    wish = {name: value for name, value in WISH.items() if name != "gathers"}
    added = manager.post("/channels/new/webhook/", wish | {"address": receiver.url})
    [secret] = re.findall(r"whsec_[\w+/=]+", added.content.decode())
    assert added["Cache-Control"] == "no-store"
    endpoint = Endpoint.objects.get(kind=Channel.WEBHOOK)
    page = f"/channels/{endpoint.pk}/"
    assert not any("whsec_" in _words(manager.get(path)) for path in (page, f"{page}edit/", "/channels/"))

    assert manager.post(f"{page}renew/", {"reason": ""}).status_code == 400
    renewed = manager.post(f"{page}renew/", {"reason": "Somebody left"})

    [new] = re.findall(r"whsec_[\w+/=]+", renewed.content.decode())
    assert new != secret


def test_pages__support__may_look_and_change_nothing(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    support, page = sign_in(Role.SUPPORT), f"/channels/{endpoint.pk}/"

    assert [support.get(path).status_code for path in ("/channels/", page)] == [200, 200]
    for path in (f"{page}edit/", f"{page}switch/", f"{page}try/", f"{page}renew/", "/channels/new/slack/"):
        assert support.post(path, WISH).status_code == 403
    assert Endpoint.objects.get().status == EndpointStatus.ACTIVE


def test_pages__in_french__are_in_french(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver.url)
    french = sign_in_as(make_person(Role.RELEASE_MANAGER, language="fr"), language="fr")

    for path, words in (
        ("/channels/", "Canaux d’équipes"),
        (f"/channels/{endpoint.pk}/", "Est-ce que ça arrive"),
        ("/channels/new/slack/", "Nouveau canal"),
    ):
        assert words in _words(french.get(path))


# A module that Apprise loads on older Pythons.
@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_apprise__allowed_service__gets_the_words_and_another_is_refused(
    manager: Client, receiver: Receiver, settings: Any, _clock: time_machine.Traveller
) -> None:
    pytest.importorskip("apprise")
    settings.APPRISE_SCHEMES = ["json"]
    address = receiver.url.replace("http://", "json://")
    refused = manager.post("/channels/new/apprise/", WISH | {"address": "mailto://mia:pass@example.org"})
    manager.post("/channels/new/apprise/", WISH | {"address": address})
    make_event(data={"release": "1.3", "environment": "prod", "reason": "Wrong *prices*"})

    assert deliver_outside() == 1

    assert refused.status_code == 400
    [got] = receiver.received
    assert "1.3" in got.json["title"]
    assert "Wrong *prices*" in got.json["message"]
    settings.APPRISE_SCHEMES = []
    _clock.shift(1.0)
    make_event()
    assert deliver_outside() == 0
    assert len(receiver.received) == 1
    assert Endpoint.objects.get().status == EndpointStatus.BROKEN


def test_trial__to_an_address_inside__says_that_it_was_not_sent_and_the_way_out(manager: Client, settings: Any) -> None:
    settings.OUTBOUND_NETWORKS = []
    endpoint = make_endpoint("http://10.1.2.3/hook", kind=Channel.WEBHOOK)
    manager.post(f"/channels/{endpoint.pk}/try/")
    deliver_outside()

    page = manager.get(f"/channels/{endpoint.pk}/").content.decode()

    assert "the test was not sent" in page
    assert "OUTBOUND_NETWORKS" in page
    assert "It arrived" not in page
