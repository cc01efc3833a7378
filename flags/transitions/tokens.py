"""Tokens of programs."""

import secrets
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from flags.domain.purposes import Purpose
from flags.domain.tokens import PREFIX_CHARACTERS, compose_token, hash_token
from flags.models import ApiToken
from flags.transitions.saving import save_row


@transaction.atomic
def create_token(
    *, environment_id: int, purpose: Purpose, name: str, actor: Actor, reason: str, now: datetime
) -> tuple[ApiToken, str]:
    """Create a token; return it with its text, which is stored nowhere and can be shown only now."""
    raw = compose_token(purpose=purpose, secret=secrets.token_urlsafe(32))
    with recorded(actor=actor, reason=reason, now=now):
        token = save_row(
            ApiToken(
                environment_id=environment_id,
                purpose=purpose,
                name=name,
                token_hash=hash_token(raw),
                prefix=raw[:PREFIX_CHARACTERS],
                created_at=now,
            )
        )
    return token, raw


@transaction.atomic
def revoke_token(*, token_id: int, actor: Actor, reason: str, now: datetime) -> bool:
    """Revoke a token; True where it was valid."""
    token = ApiToken.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
    if token is None:
        raise InvalidInput("token_unknown")
    with recorded(actor=actor, reason=reason, now=now):
        if token.revoked_at is not None:
            return False
        token.revoked_at = now
        token.save()
    return True
