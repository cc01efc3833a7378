"""Reads of Sentry's integrations."""

import logging

from core.sealing import Unsealable, unseal
from health.alert_models import SentryHook

SEAL = "sentry client secret"

log = logging.getLogger(__name__)


def open_secrets() -> dict[int, tuple[int, str]]:
    """Return environment and client secret of each integration that is on, by its key: one query.

    One that does not open, since the portal's own key changed, is left out and logged.
    """
    found = {}
    rows = SentryHook.objects.filter(off_at=None).order_by("pk")
    for pk, environment_id, sealed in rows.values_list("pk", "environment_id", "sealed_secret"):
        try:
            found[pk] = (environment_id, unseal(sealed, purpose=SEAL))
        except Unsealable:
            log.error("the secret of Sentry integration %s does not open: enter it anew", pk)  # noqa: TRY400  # no trace
    return found


def list_sentry_hooks(*, environment_key: str) -> list[SentryHook]:
    """Return an environment's integrations, those that are on first: one query."""
    rows = SentryHook.objects.filter(environment__key=environment_key)
    return sorted(rows, key=lambda one: (one.off_at is not None, one.name, one.pk))
