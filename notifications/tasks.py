"""Due deliveries."""

import secrets

from celery import shared_task

from core import clock
from notifications.courier import NotSent, send_email
from notifications.transitions import claim_deliveries, mark_failed, mark_sent

BATCH = 20


@shared_task
def deliver() -> int:
    """Send what is due; return how many went out."""
    sent = 0
    for delivery in claim_deliveries(limit=BATCH, now=clock.now()):
        try:
            send_email(delivery)
        except NotSent as error:
            mark_failed(
                delivery_id=delivery.pk,
                error=str(error),
                is_final=error.is_final,
                jitter=secrets.randbelow(1_000) / 1_000,
                now=clock.now(),
            )
        else:
            mark_sent(delivery_id=delivery.pk, now=clock.now())
            sent += 1
    return sent
