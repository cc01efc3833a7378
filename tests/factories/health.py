"""Samples and complaints, made by the real parser and transitions."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from core.actors import DEMO, Actor
from flags.models import ApiToken, Environment, Flag, Site
from health.domain.samples import SampleValue, read_samples
from health.models import Complaint
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples
from health.transitions import log_complaint
from tests.factories.core import NOW

_numbers = count(1)


def sample_body(*, site: str, start: datetime, **given: Any) -> dict[str, Any]:
    """Return one sample as a client sends it: a quiet half minute of ten sales."""
    body = {
        "id": f"sample-{next(_numbers)}",
        "site": site,
        "start": start.isoformat(),
        "seconds": 30,
        "requests": 10,
        "errors": 0,
    }
    return body | given


def make_value(*, site: str, now: datetime, **given: Any) -> SampleValue:
    """Return one sample as the parser reads it, which began half a minute before `now`."""
    flag = given.get("flag")
    body = sample_body(site=site, start=given.pop("start", now - timedelta(seconds=30)), **given)
    reading = read_samples([body], site_keys={site}, flag_keys={flag} if flag else set(), now=now)
    assert reading.rejected == []
    return reading.accepted[0]


def make_sample(token: ApiToken, *, site: Site, received_at: datetime = NOW, **given: Any) -> None:
    """Store one sample that began half a minute before it was received, through the parser, and roll it up."""
    value = make_value(site=site.key, now=received_at, **given)
    record_samples(source=f"token:{token.pk}", environment_id=token.environment_id, values=[value], now=received_at)
    roll_up_counts()


def make_complaint(
    environment: Environment,
    *,
    site: Site,
    flag: Flag | None = None,
    text: str = "The price button does nothing",
    reporter: str = "",
    severity: str = "annoying",
    actor: Actor = DEMO,
    now: datetime = NOW,
) -> Complaint:
    """Log a complaint."""
    return log_complaint(
        environment_id=environment.pk,
        site_id=site.pk,
        flag_id=flag.pk if flag else None,
        text=text,
        severity=severity,
        reporter=reporter,
        actor=actor,
        now=now,
    )
