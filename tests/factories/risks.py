"""Risks, written down by the real transition."""

from itertools import count
from typing import Any

from core.actors import DEMO
from rollouts.domain.risks import RiskCategory
from rollouts.models import Risk
from rollouts.transitions.keeping_risks import RiskWords, create_risk
from tests.factories.core import NOW

_numbers = count(1)


def make_risk(*, likelihood: int = 3, impact: int = 3, **words: Any) -> Risk:
    """Return an open risk of every rollout, unless it is linked."""
    given = {"title": f"Risk {next(_numbers)}", "category": RiskCategory.TECHNICAL, "mitigation": "Try it first"}
    return create_risk(
        words=RiskWords(**(given | words)),
        likelihood=likelihood,
        impact=impact,
        actor=DEMO,
        reason="needed by a test",
        now=NOW,
    )
