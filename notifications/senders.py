"""Sends what was claimed for an endpoint, outside of any transaction. No address ever stands in an error."""

import json
from collections.abc import Mapping

from django.conf import settings

from core import clock
from core.sealing import Unsealable, unseal
from notifications.apprising import notify
from notifications.domain.answers import Verdict
from notifications.domain.chats import write_mattermost, write_slack, write_teams
from notifications.domain.messages import Message
from notifications.domain.signing import sign
from notifications.endpoint_models import SEALED_ADDRESS, SEALED_SECRET
from notifications.models import Channel, Endpoint
from notifications.outside_transitions import Claim
from notifications.posting import Result, post_json
from notifications.speaking import say_flood, say_message
from notifications.trial_codes import TEST_KIND, code_of
from notifications.webhook_bodies import write_body

#: Teams' former connectors answer 200 and say so in words.
TEAMS_FAILED = b"failed with error"
WRITERS = {Channel.SLACK: write_slack, Channel.MATTERMOST: write_mattermost, Channel.TEAMS: write_teams}


def send_parcel(claim: Claim) -> Result:
    """Send a parcel as its endpoint wants it; return what came of it."""
    endpoint = claim.endpoint
    try:
        address = unseal(endpoint.sealed_address, purpose=SEALED_ADDRESS)
        if endpoint.kind == Channel.APPRISE:
            return _result_of_apprise(notify(address, _say(claim)))
        body, headers = _write(claim)
    except Unsealable:
        return Result(Verdict.CLOSED, "the stored address does not open: SECRET_KEY is another one; give it again")
    result = post_json(address, body=body, headers=headers, networks=settings.OUTBOUND_NETWORKS)
    if endpoint.kind == Channel.TEAMS and TEAMS_FAILED in result.words:
        return Result(Verdict.LATER, "HTTP 200, but not posted")
    return result


def _say(claim: Claim) -> Message:
    events, language = [one.event for one in claim.deliveries], claim.endpoint.language
    if len(events) > 1:
        return say_flood(events, language=language)
    code = code_of(claim.deliveries[0].pk) if events[0].kind == TEST_KIND else ""
    return say_message(events[0], language=language, code=code)


def _write(claim: Claim) -> tuple[bytes, Mapping[str, str]]:
    """Return body and headers; a program's are signed, and carry the delivery's id."""
    headers: Mapping[str, str] = {}
    endpoint, channel = claim.endpoint, Channel(claim.endpoint.kind)
    if channel is not Channel.WEBHOOK:
        said = WRITERS[channel](_say(claim))
        return json.dumps(said, ensure_ascii=False).encode(), headers
    (delivery,) = claim.deliveries
    body = write_body(delivery)
    signed = sign(message_id=f"delivery-{delivery.pk}", body=body, secrets=_list_secrets(endpoint), now=clock.now())
    return body, signed


def _list_secrets(endpoint: Endpoint) -> list[str]:
    sealed = [endpoint.sealed_secret]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > clock.now():
        sealed.append(endpoint.sealed_old_secret)
    return [unseal(one, purpose=SEALED_SECRET) for one in sealed]


def _result_of_apprise(is_taken: bool | None) -> Result:
    if is_taken is None:
        return Result(Verdict.CLOSED, "apprise is not installed, or the service is not allowed: see APPRISE_SCHEMES")
    return Result(Verdict.TAKEN) if is_taken else Result(Verdict.LATER, "the service took nothing")
