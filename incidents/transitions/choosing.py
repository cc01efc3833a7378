"""Which alerts of an environment open incidents."""

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment
from incidents.models import AlertIntake, AlertMode


@transaction.atomic
def choose_alerts(*, environment_id: int, mode: str, actor: Actor, reason: str, now: datetime) -> AlertIntake:
    """Say which alerts open incidents from now on; what was received before opens none."""
    if mode not in AlertMode.values:
        raise InvalidInput("alert_mode_unknown", mode=mode)
    environment = Environment.objects.select_for_update(no_key=True).get(pk=environment_id)
    intake = AlertIntake.objects.filter(environment=environment).first() or AlertIntake(environment=environment)
    if intake.mode == mode:
        raise Refusal("alert_mode_unchanged")
    with recorded(actor=actor, reason=reason, now=now):
        intake.mode, intake.since = mode, now
        intake.save()
    return intake
