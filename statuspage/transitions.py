"""Writes of the status page: its name, what of an environment is public, and the components."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import InvalidInput
from core.history import recorded
from core.versions import check_version
from flags.models import Environment, Flag
from statuspage.domain.affecting import ComponentKind
from statuspage.models import Component, PublicEnvironment, StatusPage

MAX_NAME, MAX_DESCRIPTION, MAX_HOTLINE = 100, 300, 40
MOST_POSITION = 9_999
LIMITS = {
    "name_fr": MAX_NAME,
    "name_en": MAX_NAME,
    "description_fr": MAX_DESCRIPTION,
    "description_en": MAX_DESCRIPTION,
}


@transaction.atomic
def name_page(
    *,
    name_fr: str,
    name_en: str,
    hotline: str,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> StatusPage:
    """Name the page and say whom to call."""
    page = StatusPage.objects.select_for_update().first() or StatusPage(pk=1)
    check_version(page, seen_version)
    page.name_fr, page.name_en = _clean(name_fr, limit=MAX_NAME), _clean(name_en, limit=MAX_NAME)
    page.hotline, page.changed_at = _clean(hotline, limit=MAX_HOTLINE), now
    if not page.name_fr or not page.name_en:
        raise InvalidInput("page_incomplete")
    with recorded(actor=actor, reason=reason, now=now):
        page.save()
    return page


@transaction.atomic
def set_public(
    *,
    environment_id: int,
    is_public: bool,
    shows_rollouts: bool,
    shows_maintenance: bool,
    lists_unspoken: bool,
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> PublicEnvironment:
    """Say what of an environment everybody may see."""
    if not Environment.objects.select_for_update().filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    row = PublicEnvironment.objects.filter(environment=environment_id).first()
    row = row or PublicEnvironment(environment_id=environment_id)
    check_version(row, seen_version)
    row.is_public, row.shows_rollouts = is_public, shows_rollouts
    row.shows_maintenance, row.lists_unspoken, row.changed_at = shows_maintenance, lists_unspoken, now
    with recorded(actor=actor, reason=reason, now=now):
        row.save()
    return row


@transaction.atomic
def add_component(
    *, environment_id: int, values: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> Component:
    """Add a component; its history begins today. `values`: by the name of the column."""
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    component = Component(environment_id=environment_id, counted_from=timezone.localdate(now), created_at=now)
    return _save(component, values, actor=actor, reason=reason, now=now)


@transaction.atomic
def change_component(
    *,
    component_id: int,
    values: Mapping[str, Any],
    actor: Actor,
    reason: str,
    now: datetime,
    seen_version: int | None = None,
) -> Component:
    """Change a component, hide it or show it again. What it is a component of stays."""
    component = Component.objects.select_for_update(of=("self",)).filter(pk=component_id).first()
    if component is None:
        raise InvalidInput("component_unknown", component=component_id)
    check_version(component, seen_version)
    return _save(component, values, actor=actor, reason=reason, now=now)


def _save(component: Component, values: Mapping[str, Any], *, actor: Actor, reason: str, now: datetime) -> Component:
    for name, value in values.items():
        setattr(component, name, _clean(value, limit=LIMITS[name]) if name in LIMITS else value)
    component.changed_at = now
    _check(component)
    try:
        with transaction.atomic(), recorded(actor=actor, reason=reason, now=now):
            component.save()
    except IntegrityError:
        raise InvalidInput("component_site_taken") from None
    return component


def _check(component: Component) -> None:
    """Refuse what the public could not be told."""
    if component.kind not in set(ComponentKind):
        raise InvalidInput("values_wrong", fields="kind")
    if not component.name_fr or not component.name_en:
        raise InvalidInput("component_incomplete")
    if (component.kind == ComponentKind.SITE) != (component.site_id is not None):
        raise InvalidInput("component_site_wrong")
    target = component.target
    if target and (component.kind != ComponentKind.BACK_END or target.environment_id != component.environment_id):
        raise InvalidInput("component_target_wrong")
    if (component.kind == ComponentKind.FEATURE) != bool(component.flag_keys):
        raise InvalidInput("component_flags_wrong")
    if Flag.objects.filter(key__in=component.flag_keys).count() != len(set(component.flag_keys)):
        raise InvalidInput("component_flags_wrong")
    if not 0 <= component.position <= MOST_POSITION:
        raise InvalidInput("component_position_wrong", most=MOST_POSITION)


def _clean(text: str, *, limit: int) -> str:
    text = text.strip()
    if "\x00" in text or len(text) > limit:
        raise InvalidInput("component_unreadable")
    return text
