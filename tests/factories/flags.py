"""Environments, sites, flags and tokens, made by the real transitions."""

from itertools import count
from typing import Any

from core.actors import DEMO
from flags.domain.audience import RuleAudience
from flags.domain.purposes import Purpose
from flags.models import ApiToken, Environment, Flag, Rule, Site
from flags.transitions import add_rule, create_environment, create_flag, create_site, create_token
from tests.factories.core import NOW

_numbers = count(1)
_BY: dict[str, Any] = {"actor": DEMO, "reason": "needed by a test", "now": NOW}


def make_environment(**given: Any) -> Environment:
    """Return an environment with a key of its own."""
    number = next(_numbers)
    wanted: dict[str, Any] = {
        "key": f"env{number}",
        "name": f"Environment {number}",
        "position": number,
        "is_production": False,
    }
    return create_environment(**(wanted | _BY | given))


def make_site(**given: Any) -> Site:
    """Return a site with a key of its own."""
    number = next(_numbers)
    wanted = {"key": f"site{number}", "name": f"Site {number}", "city": "Lyon"}
    return create_site(**(wanted | _BY | given))


def make_flag(**given: Any) -> Flag:
    """Return a plain on/off flag, off in every environment there is."""
    number = next(_numbers)
    return create_flag(**({"key": f"flag_{number}", "name": f"Flag {number}"} | _BY | given))


def make_token(environment: Environment, *, purpose: Purpose = Purpose.TELEMETRY) -> tuple[ApiToken, str]:
    """Return a token and its text."""
    return create_token(environment_id=environment.pk, purpose=purpose, name=f"{purpose} token", **_BY)


def make_rule(flag: Flag, environment: Environment, audience: RuleAudience, **given: Any) -> Rule:
    """Return a rule that a person laid, with the variant `on`."""
    wanted = {"variant": "on", "phase": "", "origin": ""}
    return add_rule(flag_id=flag.pk, environment_id=environment.pk, audience=audience, **(wanted | _BY | given))
