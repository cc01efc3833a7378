"""Writes of guardrails that are queries of one's own: what people say of them."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.domain.values import is_storable
from flags.models import Environment
from health.guardrail_models import LONGEST_COOL_DOWN
from health.models import Mode, PrometheusSource, QueryGuardrail
from health.query_models import LARGEST_LIMIT, LONGEST_LASTING, SCOPES, QueryComparison


@transaction.atomic
def add_query(
    *, environment_id: int, values: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> QueryGuardrail:
    """Add a guardrail that is a query; it is asked as soon as a rollout exposes somebody."""
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    guardrail = QueryGuardrail(environment_id=environment_id)
    _fill(guardrail, values)
    _save(guardrail, actor=actor, reason=reason, now=now)
    return guardrail


@transaction.atomic
def change_query(
    *,
    guardrail_id: int,
    values: Mapping[str, Any],
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> QueryGuardrail:
    """Change such a guardrail. What another query or another source said is forgotten."""
    guardrail = QueryGuardrail.objects.select_for_update(of=("self",)).filter(pk=guardrail_id).first()
    if guardrail is None:
        raise InvalidInput("query_unknown", query=guardrail_id)
    check_version(guardrail, seen_version)
    asked = guardrail.query, guardrail.source_id
    _fill(guardrail, values)
    _save(guardrail, actor=actor, reason=reason, now=now)
    if (guardrail.query, guardrail.source_id) != asked:
        # An answer that is under way finds no watch, and is dropped.
        guardrail.watches.all().delete()
    return guardrail


def _fill(guardrail: QueryGuardrail, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(guardrail, name, value.strip() if isinstance(value, str) else value)
    _check(guardrail)


def _check(guardrail: QueryGuardrail) -> None:
    """Refuse what could never be asked or judged."""
    if not is_storable(guardrail.name + guardrail.query):
        raise InvalidInput("query_unreadable")
    if not guardrail.name or not guardrail.query:
        raise InvalidInput("query_incomplete")
    source = PrometheusSource.objects.filter(pk=guardrail.source_id).first()
    if source is None or source.environment_id != guardrail.environment_id:
        raise InvalidInput("source_unknown", source=guardrail.source_id)
    if not math.isfinite(guardrail.limit) or abs(guardrail.limit) > LARGEST_LIMIT:
        raise InvalidInput("query_limit_wrong")
    if not 0 <= guardrail.lasting_seconds <= LONGEST_LASTING:
        raise InvalidInput("query_lasting_wrong", most=LONGEST_LASTING)
    is_known = guardrail.comparison in QueryComparison.values and guardrail.mode in Mode.values
    if not is_known or guardrail.scope not in SCOPES:
        raise InvalidInput("guardrail_unknown")
    if not 0 <= guardrail.cool_down_minutes <= LONGEST_COOL_DOWN:
        raise InvalidInput("cool_down_wrong", most=LONGEST_COOL_DOWN)


def _save(guardrail: QueryGuardrail, *, actor: Actor, reason: str, now: datetime) -> None:
    try:
        with transaction.atomic(), recorded(actor=actor, reason=reason, now=now):
            guardrail.save()
    except IntegrityError:
        raise InvalidInput("query_name_taken", name=guardrail.name) from None
