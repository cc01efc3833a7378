"""Writes of Sentry's integrations: connected, given a new secret, switched off."""

import re
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from core.sealing import seal
from flags.models import Environment
from health.alert_models import SentryHook
from health.sentry_queries import SEAL, open_secrets

MAX_NAME_CHARACTERS = 100
END_CHARACTERS = 4
_SECRET = re.compile(r"[!-~]{16,200}")


@transaction.atomic
def connect_sentry(
    *, environment_id: int, name: str, secret: str, actor: Actor, reason: str, now: datetime
) -> SentryHook:
    """Take messages that this client secret signs as the environment's."""
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise InvalidInput("sentry_name_wrong", limit=MAX_NAME_CHARACTERS)
    secret = _check_secret(secret, but=None)
    hook = SentryHook(environment_id=environment_id, name=name, created_at=now, changed_at=now)
    _put(hook, secret)
    with recorded(actor=actor, reason=reason, now=now):
        hook.save()
    return hook


@transaction.atomic
def replace_sentry_secret(*, hook_id: int, secret: str, actor: Actor, reason: str, now: datetime) -> SentryHook:
    """Give an integration its new client secret; the old one signs nothing any more."""
    hook = _lock(hook_id)
    _put(hook, _check_secret(secret, but=hook.pk))
    hook.changed_at = now
    with recorded(actor=actor, reason=reason, now=now):
        hook.save()
    return hook


@transaction.atomic
def disconnect_sentry(*, hook_id: int, actor: Actor, reason: str, now: datetime) -> SentryHook:
    """Take nothing more of an integration, and keep nothing of its secret."""
    hook = _lock(hook_id)
    hook.sealed_secret, hook.off_at = "", now
    with recorded(actor=actor, reason=reason, now=now):
        hook.save()
    return hook


def _lock(hook_id: int) -> SentryHook:
    hook = SentryHook.objects.select_for_update(of=("self",)).filter(pk=hook_id).first()
    if hook is None:
        raise InvalidInput("sentry_unknown")
    if hook.off_at is not None:
        raise Refusal("sentry_is_off")
    return hook


def _check_secret(secret: str, *, but: int | None) -> str:
    """Return a client secret without surrounding space; refuse one that is none, or that another integration has.

    Messages name no environment: the secret alone says whose they are.
    """
    secret = secret.strip()
    if not _SECRET.fullmatch(secret):
        raise InvalidInput("sentry_secret_wrong")
    # One at a time, whichever the environment: two with one secret would not see each other.
    list(Environment.objects.select_for_update(of=("self",), no_key=True).order_by("pk"))
    if any(other == secret for pk, (_environment_id, other) in open_secrets().items() if pk != but):
        raise Refusal("sentry_secret_taken")
    return secret


def _put(hook: SentryHook, secret: str) -> None:
    hook.sealed_secret, hook.secret_end = seal(secret, purpose=SEAL), secret[-END_CHARACTERS:]
