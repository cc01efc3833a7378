"""Tests of channels: sent with a code, confirmed by the person who read it at the other end."""

from datetime import datetime

from django.db import transaction

from core.errors import InvalidInput, Refusal
from core.models import User
from notifications.domain.urgency import Priority
from notifications.models import Channel, ChannelTrial, Delivery, Endpoint, EndpointStatus, Event
from notifications.trial_codes import TEST_KIND, is_code_of

#: A code of six letters is not guessed in so many.
MOST_WRONG_CODES = 5


@transaction.atomic
def try_endpoint(*, endpoint_id: int, user: User, now: datetime) -> ChannelTrial:
    """Send an endpoint a test message, whatever it wants to hear otherwise and at any hour."""
    endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise InvalidInput("endpoint_unknown", endpoint=endpoint_id)
    if endpoint.status != EndpointStatus.ACTIVE:
        raise Refusal("endpoint_off", name=endpoint.name)
    delivery = Delivery(endpoint=endpoint, channel=endpoint.kind)
    return _send(delivery, name=endpoint.name, url=f"/channels/{endpoint.pk}/", user=user, now=now)


@transaction.atomic
def try_mail(*, user: User, now: datetime) -> ChannelTrial:
    """Send a person a test mail to their own address."""
    if not user.email:
        raise Refusal("reader_unreachable", reader=user.username)
    delivery = Delivery(recipient=user, channel=Channel.EMAIL)
    return _send(delivery, name=user.username, url="/channels/", user=user, now=now)


def _send(delivery: Delivery, *, name: str, url: str, user: User, now: datetime) -> ChannelTrial:
    event = Event.objects.create(
        kind=TEST_KIND,
        data={"channel": name, "by": str(user)},
        dedupe_key=f"channel-test:{user.pk}:{delivery.endpoint_id or ''}:{now.isoformat()}",
        url=url,
        created_at=now,
    )
    delivery.event, delivery.priority, delivery.next_attempt_at = event, Priority.URGENT, now
    delivery.save()
    return ChannelTrial.objects.create(delivery=delivery, endpoint_id=delivery.endpoint_id, asked_by=user, asked_at=now)


@transaction.atomic
def confirm_trial(*, trial_id: int, code: str, user: User, now: datetime) -> bool:
    """Note that a test arrived, where somebody types its code; False for a wrong one. Too many wrong ones end it."""
    trial = _lock_open(trial_id)
    if trial.wrong_codes >= MOST_WRONG_CODES:
        raise Refusal("trial_guessed")
    if not is_code_of(trial.delivery_id, code):
        trial.wrong_codes += 1
        trial.save(update_fields=["wrong_codes"])
        return False
    _answer(trial, has_arrived=True, user=user, now=now)
    return True


@transaction.atomic
def deny_trial(*, trial_id: int, user: User, now: datetime) -> None:
    """Note that a test did not arrive, whatever the other side answered."""
    _answer(_lock_open(trial_id), has_arrived=False, user=user, now=now)


def _lock_open(trial_id: int) -> ChannelTrial:
    trial = ChannelTrial.objects.select_for_update(of=("self",)).filter(pk=trial_id).first()
    if trial is None:
        raise InvalidInput("trial_unknown", trial=trial_id)
    if trial.has_arrived is not None:
        raise Refusal("trial_answered")
    return trial


def _answer(trial: ChannelTrial, *, has_arrived: bool, user: User, now: datetime) -> None:
    trial.has_arrived, trial.answered_by, trial.answered_at = has_arrived, user, now
    trial.save(update_fields=["has_arrived", "answered_by", "answered_at"])
