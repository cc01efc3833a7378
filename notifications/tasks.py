"""Due deliveries."""

import secrets

from celery import shared_task

from core import clock
from notifications.courier import NotSent, send_email
from notifications.transitions import claim_delivery, mark_failed, mark_sent

#: A bound on one task's work; the next second brings the next task.
BATCH = 20


@shared_task
def deliver() -> int:
    """Send what is due, one claim at a time; return how many went out.

    A lease thus covers one conversation. Where the mail service itself fails, the rest waits for the
    next round instead of running into the same wall.
    """
    sent = 0
    for _ in range(BATCH):
        delivery = claim_delivery(now=clock.now())
        if delivery is None:
            break
        try:
            send_email(delivery)
        except NotSent as error:
            mark_failed(
                delivery_id=delivery.pk,
                attempt=delivery.attempts,
                error=str(error),
                is_final=error.is_final,
                jitter=secrets.randbelow(1_000) / 1_000,
                now=clock.now(),
            )
            if error.is_service:
                break
        else:
            mark_sent(delivery_id=delivery.pk, now=clock.now())
            sent += 1
    return sent
