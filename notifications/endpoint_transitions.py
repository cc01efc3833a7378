"""Writes of endpoints: what people say of them."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.outbound import is_web_address
from core.sealing import seal
from core.versions import check_version
from notifications import apprising
from notifications.domain.signing import SECRET_BYTES, write_secret
from notifications.domain.wishes import TIERS, Drills
from notifications.endpoint_models import SEALED_ADDRESS, SEALED_SECRET
from notifications.labels import GROUPS
from notifications.models import OUTSIDE, Channel, Endpoint, EndpointLine, EndpointStatus
from notifications.outside_transitions import end_waiting

MOST_ADDRESS_CHARACTERS = 1_000
MOST_PER_MINUTE = 600
#: How long messages are signed with the secret of before, too.
OLD_SECRET_LASTS = timedelta(hours=24)


@transaction.atomic
def add_endpoint(
    *, kind: str, values: Mapping[str, Any], address: str, actor: Actor, reason: str, now: datetime
) -> tuple[Endpoint, str]:
    """Add an endpoint; return it with its signing secret, which is shown this once (empty for chats)."""
    if kind not in OUTSIDE:
        raise InvalidInput("endpoint_kind_unknown")
    endpoint = Endpoint(kind=kind)
    _fill(endpoint, values)
    _take_address(endpoint, address, now=now)
    secret = _new_secret(endpoint)
    _save(endpoint, actor=actor, reason=reason, now=now)
    EndpointLine.objects.create(endpoint=endpoint, free_at=now)
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    *,
    endpoint_id: int,
    values: Mapping[str, Any],
    address: str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Endpoint:
    """Change what an endpoint wants, and its address where a new one is given."""
    endpoint = _lock(endpoint_id)
    check_version(endpoint, seen_version)
    _fill(endpoint, values)
    if address.strip():
        _take_address(endpoint, address, now=now)
        EndpointLine.objects.filter(endpoint=endpoint).update(
            free_at=now, failures=0, failing_since=None, last_error=""
        )
    _save(endpoint, actor=actor, reason=reason, now=now)
    return endpoint


@transaction.atomic
def switch_endpoint(*, endpoint_id: int, is_on: bool, actor: Actor, reason: str, now: datetime) -> Endpoint:
    """Switch an endpoint off, which ends what waits for it, or on again."""
    endpoint = _lock(endpoint_id)
    if is_on is (endpoint.status == EndpointStatus.ACTIVE):
        raise Refusal("changed_meanwhile")
    endpoint.status = EndpointStatus.ACTIVE if is_on else EndpointStatus.PAUSED
    _save(endpoint, actor=actor, reason=reason, now=now)
    if is_on:
        EndpointLine.objects.filter(endpoint=endpoint).update(free_at=now, failures=0, failing_since=None)
    else:
        end_waiting(endpoint_id=endpoint.pk, now=now)
    return endpoint


@transaction.atomic
def renew_secret(*, endpoint_id: int, actor: Actor, reason: str, now: datetime) -> tuple[Endpoint, str]:
    """Give a signed webhook a new secret, shown this once; for a day its messages bear both signatures."""
    endpoint = _lock(endpoint_id)
    if endpoint.kind != Channel.WEBHOOK:
        raise InvalidInput("endpoint_unsigned")
    endpoint.sealed_old_secret, endpoint.old_secret_until = endpoint.sealed_secret, now + OLD_SECRET_LASTS
    secret = _new_secret(endpoint)
    _save(endpoint, actor=actor, reason=reason, now=now)
    return endpoint, secret


def _lock(endpoint_id: int) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id).first()
    if endpoint is None:
        raise InvalidInput("endpoint_unknown", endpoint=endpoint_id)
    return endpoint


def _fill(endpoint: Endpoint, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value.strip() if isinstance(value, str) else value)
    if not endpoint.name or "\x00" in endpoint.name:
        raise InvalidInput("endpoint_nameless")
    if (endpoint.hours_from is None) is not (endpoint.hours_until is None):
        raise InvalidInput("endpoint_hours_half")
    if not 1 <= endpoint.per_minute <= MOST_PER_MINUTE:
        raise InvalidInput("endpoint_pace_wrong", most=MOST_PER_MINUTE)
    known = (
        set(endpoint.groups) <= set(GROUPS)
        and endpoint.least_tier in ("", *TIERS)
        and endpoint.drills in [str(one) for one in Drills]
        and set(endpoint.weekdays) <= set(range(7))
    )
    if not known:
        raise InvalidInput("endpoint_wishes_unknown")


def _take_address(endpoint: Endpoint, address: str, *, now: datetime) -> None:
    """Seal an address that can be spoken with; where it leads is looked at at each connect."""
    address = address.strip()
    if len(address) > MOST_ADDRESS_CHARACTERS:
        raise InvalidInput("endpoint_address_wrong")
    if endpoint.kind == Channel.APPRISE:
        if not apprising.is_installed():
            raise Refusal("apprise_missing")
        if not apprising.is_address(address):
            raise InvalidInput("apprise_address_wrong")
        endpoint.address_hint = f"{apprising.scheme_of(address)}://"
    else:
        if not is_web_address(address):
            raise InvalidInput("endpoint_address_wrong")
        endpoint.address_hint = (urlsplit(address).hostname or "")[:100]
    endpoint.sealed_address = seal(address, purpose=SEALED_ADDRESS)
    endpoint.address_changed_at = now


def _new_secret(endpoint: Endpoint) -> str:
    if endpoint.kind != Channel.WEBHOOK:
        return ""
    secret = write_secret(secrets.token_bytes(SECRET_BYTES))
    endpoint.sealed_secret = seal(secret, purpose=SEALED_SECRET)
    return secret


def _save(endpoint: Endpoint, *, actor: Actor, reason: str, now: datetime) -> None:
    try:
        with transaction.atomic(), recorded(actor=actor, reason=reason, now=now):
            endpoint.save()
    except IntegrityError:
        raise InvalidInput("endpoint_name_taken", name=endpoint.name) from None
