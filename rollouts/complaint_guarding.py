"""Acts on complaints as their guardrail says. Rolling back is a person's decision."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from core.actors import GUARDRAIL
from health.complaint_decisions import note_complaints, was_observed
from health.complaint_queries import list_heard_today
from health.domain.complaints import DAILY_COMPLAINT_LIMIT, LANE, Alarm, judge_day
from health.domain.exposure import Exposure, list_exposed_sites
from health.domain.guardrail import Act
from health.models import Mode
from rollouts.effective_guardrail import get_effective_guardrails
from rollouts.investigation_queries import is_investigated
from rollouts.models import Rollout
from rollouts.people_queries import count_exposed_people
from rollouts.story import add_event
from rollouts.transitions.opening_investigations import open_investigation, say_alarm


def watch_complaints(rollout: Rollout, exposures: Sequence[Exposure], *, now: datetime) -> None:
    """Judge today's complaints about a rollout; observe, investigate or hold, once a day and rule."""
    heard = list_heard_today(
        environment_key=rollout.environment.key,
        flag_keys=[exposure.flag_key for exposure in exposures],
        site_keys=list_exposed_sites(exposures),
        now=now,
    )
    if not heard:
        return
    guardrail = get_effective_guardrails(rollout).get(LANE)
    if guardrail.mode == Mode.OFF:
        return
    few = {one.flag_key for one in exposures if not one.everyone and not one.site_keys}
    concerned = few.intersection(one.voice.flag_key or "" for one in heard)
    people = count_exposed_people(rollout, few) if concerned else 0
    limit = DAILY_COMPLAINT_LIMIT if guardrail.most_a_day is None else guardrail.most_a_day
    alarm = judge_day(heard, few=few, people=people, limit=limit)
    if alarm is None:
        return
    if guardrail.mode == Mode.OBSERVE:
        _observe(rollout, alarm, now=now)
    elif not is_investigated(rollout.pk, code=alarm.code, day=alarm.day):
        _investigate(rollout, alarm, mode=guardrail.mode, now=now)


@transaction.atomic
def _investigate(rollout: Rollout, alarm: Alarm, *, mode: str, now: datetime) -> None:
    opened = open_investigation(rollout_id=rollout.pk, alarm=alarm, holds=mode == Mode.HOLD, now=now)
    if opened is not None:
        # What does not run is not held, or for something else.
        is_held = opened.rollout.held_data.get("investigation") == opened.pk
        _decide(opened.rollout, alarm, act=Act.HELD if is_held else Act.INVESTIGATE, mode=mode, now=now)


@transaction.atomic
def _observe(rollout: Rollout, alarm: Alarm, *, now: datetime) -> None:
    """Write down once what would have held it."""
    if was_observed(alarm, subject=rollout.subject):
        return
    flags = {"flags": [alarm.flag_key]} if alarm.flag_key else {}
    add_event(rollout, kind="guardrail_observed", actor=GUARDRAIL, reason=say_alarm(alarm), now=now, data=flags)
    _decide(rollout, alarm, act=Act.OBSERVED, mode=Mode.OBSERVE, now=now)


def _decide(rollout: Rollout, alarm: Alarm, *, act: Act, mode: str, now: datetime) -> None:
    note_complaints(
        alarm,
        subject=rollout.subject,
        epoch=rollout.epoch,
        environment_key=rollout.environment.key,
        zone=ZoneInfo(rollout.zone),
        act=act,
        mode=mode,
        now=now,
    )
