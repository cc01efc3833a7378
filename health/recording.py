"""The one door through which requests counted elsewhere become samples."""

from collections.abc import Sequence
from datetime import datetime

from core.actors import SCHEDULER
from flags.domain.purposes import Purpose
from flags.models import ApiToken
from flags.transitions import create_token, revoke_token
from health.domain.samples import SampleValue
from health.transitions import record_samples


def record(*, source: str, environment_id: int, values: Sequence[SampleValue], now: datetime) -> int:
    """Store the samples that are new to their source ("otlp:12", "prometheus:3"); return how many."""
    kind, _, number = source.partition(":")
    token_id = int(number) if kind == "otlp" else _stand_in(source, environment_id=environment_id, now=now)
    return record_samples(token_id=token_id, environment_id=environment_id, values=values, now=now)


def _stand_in(source: str, *, environment_id: int, now: datetime) -> int:
    """Return the token that stands for a source that has none: samples name a token. Revoked, it opens nothing."""
    named = ApiToken.objects.filter(name=source, environment_id=environment_id, revoked_at__isnull=False)
    found = named.values_list("pk", flat=True).first()
    if found is not None:
        return found
    reason = "Stands for a monitoring system"
    token, _raw = create_token(
        environment_id=environment_id, purpose=Purpose.TELEMETRY, name=source, actor=SCHEDULER, reason=reason, now=now
    )
    revoke_token(token_id=token.pk, actor=SCHEDULER, reason=reason, now=now)
    return token.pk
