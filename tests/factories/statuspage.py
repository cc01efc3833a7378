"""A public environment with its components, and what the public is told in it."""

from datetime import datetime, timedelta
from typing import Any

from core.actors import DEMO, person
from core.roles import Role
from flags.models import Environment, Site
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from incidents.models import Incident
from incidents.transitions import confirm_restored, say_word
from statuspage.installing import install_components
from statuspage.models import Component
from statuspage.transitions import add_component, set_public
from tests.factories.core import NOW, make_person
from tests.factories.flags import make_environment, make_site
from tests.factories.incidents import make_incident

BY: dict[str, Any] = {"actor": DEMO, "reason": "a test", "now": NOW}
PUBLIC: dict[str, Any] = {"is_public": True, "shows_rollouts": True, "shows_maintenance": True, "lists_unspoken": True}


def make_public(*, sites: int = 2, now: datetime = NOW - timedelta(days=30), **given: bool) -> Environment:
    """Return a production environment that is public, with a till, a back end and sites."""
    environment = make_environment(is_production=True, now=now)
    for _ in range(sites):
        make_site(now=now)
    install_components(now=now)
    set_public(environment_id=environment.pk, **(PUBLIC | given), **(BY | {"now": now}))
    return environment


def open_page(environment: Environment, *, now: datetime = NOW) -> Component:
    """Make an environment public, whatever it is, and return its till."""
    by = BY | {"now": now}
    set_public(environment_id=environment.pk, **PUBLIC, **by)
    values = {"kind": "till", "site": None, "name_fr": "Caisse", "name_en": "Till", "position": 1}
    return add_component(environment_id=environment.pk, values=values, **by)


def find_component(environment: Environment, kind: str, site: Site | None = None) -> Component:
    """Return a component by its kind, and site."""
    return Component.objects.get(environment=environment, kind=kind, **({"site": site} if site else {}))


def trouble(environment: Environment, *, tier: Tier = Tier.IMPORTANT, now: datetime = NOW, **given: Any) -> Incident:
    """Declare an incident whose title nobody outside may read."""
    return make_incident(environment, tier=tier, title="SECRET of those who handle it", now=now, **given)


def say(
    incident: Incident, status: WordStatus, *, now: datetime, fr: str = "Nous cherchons.", en: str = "We look into it."
) -> None:
    """Tell the public something."""
    only = "" if fr and en else "in a hurry"
    actor = person(make_person(Role.SUPPORT))
    say_word(
        incident_id=incident.pk,
        status=status,
        text_fr=fr,
        text_en=en,
        one_language_reason=only,
        actor=actor,
        now=now,
    )


def restore(incident: Incident, *, now: datetime) -> None:
    """Verify that it is over."""
    confirm_restored(incident_id=incident.pk, actor=person(make_person(Role.SUPPORT)), reason="seen", now=now)
