"""What a signed webhook carries: the event in data for programs, and in words of both languages."""

import json

from django.conf import settings

from notifications.domain.wishes import scope_of
from notifications.models import Delivery
from notifications.speaking import say_message
from notifications.trial_codes import TEST_KIND, code_of


def write_body(delivery: Delivery) -> bytes:
    """Return the JSON of one delivery: `type`, `timestamp` and `data`, as Standard Webhooks advises.

    A test's code is in the words, as for every other reader.
    """
    event = delivery.event
    scope = scope_of(event.kind, event.data)
    code = code_of(delivery.pk) if event.kind == TEST_KIND else ""
    words = {}
    for language in ("fr", "en"):
        message = say_message(event, language=language, code=code)
        words[language] = {"subject": message.subject, "body": message.body, "next": message.next}
    data = {
        "event_id": str(event.pk),
        "delivery_id": f"delivery-{delivery.pk}",
        "environment": scope.environment or None,
        "tier": scope.tier or None,
        "sites": sorted(scope.sites),
        "is_rehearsal": scope.is_rehearsal,
        "url": f"{settings.PUBLIC_URL}{event.url}" if event.url else None,
        "words": words,
        "facts": event.data,
    }
    body = {"type": event.kind, "timestamp": event.created_at.isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
