"""Acts on error rate, performance, alerts and queries as their guardrails say, for all rollouts under way at once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import DatabaseError, transaction

from core.actors import GUARDRAIL
from core.errors import Refusal
from core.reasons import BETWEEN, write_reason
from flags.models import Site
from health.domain import query_lane
from health.domain.guardrail import (
    FLAG_LANES,
    SHARE_LANES,
    Act,
    choose_act,
    count_holds_of_a_day,
    find_site,
    is_possible,
)
from health.domain.verdict import Judgement, Verdict
from health.guardrail_queries import list_holds
from health.models import Guardrail, GuardrailScope, QueryGuardrail
from health.rollup_queries import sum_sites_of_flag
from health.share_transitions import (
    Judged,
    judge_alerts_and_store,
    judge_and_remember,
    judge_queries_and_store,
    note_decision,
)
from rollouts.domain.lifecycle import Status
from rollouts.effective_guardrail import read_effective_guardrails
from rollouts.evidence import evidence_of
from rollouts.exposure_queries import read_exposures
from rollouts.models import Rollout, Trigger
from rollouts.story import add_event
from rollouts.transitions import hold_rollout, roll_back
from rollouts.transitions.opening_investigations import Finding, open_lane_investigation
from rollouts.transitions.partial_rollback import Cause, roll_back_site

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Breach:
    """A breach and the guardrail it is judged by; `holds`: when the lane held for this flag within a day."""

    judged: Judged
    guardrail: Guardrail | QueryGuardrail
    holds: Sequence[datetime]

    @property
    def judgement(self) -> Judgement:
        return self.judged.judgement

    @property
    def is_everywhere(self) -> bool:
        return self.judgement.code.endswith("_everywhere")

    def choose(self, *, now: datetime) -> Act | None:
        """Return what it leads to."""
        return choose_act(
            mode=self.guardrail.mode,
            is_everywhere=self.is_everywhere,
            holds=self.holds,
            cool_down=self.guardrail.cool_down,
            now=now,
        )


def watch_lanes(rollouts: Sequence[Rollout], *, now: datetime) -> int:
    """Judge these lanes for rollouts and act; return how many looks there were. One's fault stops no other."""
    guardrails = read_effective_guardrails(rollouts)
    exposures = read_exposures(rollouts)
    looks = [look for one in rollouts for look in guardrails[one.pk].list_looks(exposures[one.pk])]
    alerts = [look for one in rollouts for look in guardrails[one.pk].list_alert_looks(exposures[one.pk])]
    queries = [look for one in rollouts for look in guardrails[one.pk].list_query_looks(exposures[one.pk])]
    judged = [
        *judge_and_remember(looks, now=now),
        *judge_alerts_and_store(alerts, now=now),
        *judge_queries_and_store(queries, now=now),
    ]
    breaching = [one for one in judged if one.judgement.verdict is Verdict.BREACH]
    holds = list_holds(subjects={one.exposure.subject for one in breaching}, now=now) if breaching else {}
    for rollout in rollouts:
        subject = rollout.subject
        effective = guardrails[rollout.pk]
        for lane in (*FLAG_LANES, *(query.lane for query in effective.queries)):
            breaches = [
                Breach(one, acting, holds.get((subject, lane, one.exposure.flag_key), ()))
                for one in breaching
                if one.exposure.subject == subject and one.look.lane == lane
                if (acting := effective.find_acting(lane, one.exposure.flag_key)) is not None
            ]
            if breaches:
                _act(rollout, breaches, now=now)
    return len(judged)


def _act(rollout: Rollout, breaches: Sequence[Breach], *, now: datetime) -> None:
    """Do what one lane's breaches lead to; each act is a transaction of its own."""
    # The flag activated last is the first suspect; what is left breaches again, or does not.
    ranked = sorted(breaches, key=lambda one: one.judged.exposure.since, reverse=True)
    by_act: dict[Act, list[Breach]] = {}
    for breach in ranked:
        act = breach.choose(now=now)
        if act is not None and is_possible(act, is_running=rollout.status == Status.RUNNING):
            by_act.setdefault(act, []).append(breach)
    acts: Mapping[Act, Callable[[], object]] = {
        Act.ROLLED_BACK: partial(_take_back, rollout, by_act.get(Act.ROLLED_BACK, [])[:1], now=now),
        Act.HELD: partial(_hold, rollout, by_act.get(Act.HELD, []), now=now),
        Act.OBSERVED: partial(_note, rollout, by_act.get(Act.OBSERVED, []), Act.OBSERVED, now=now),
        Act.COOLING: partial(_note, rollout, by_act.get(Act.COOLING, []), Act.COOLING, now=now),
        Act.INVESTIGATE: partial(_investigate, rollout, by_act.get(Act.INVESTIGATE, []), now=now),
    }
    for act, do in acts.items():
        if act in by_act:
            try:
                do()
            except Refusal:
                # The rollout has moved on, or a person was faster: this verdict is on what is no more.
                log.info("rollout %s: %s was not done", rollout.pk, act, exc_info=True)
            except DatabaseError:
                log.exception("rollout %s: %s was not done, tried again", rollout.pk, act)


@transaction.atomic
def _hold(rollout: Rollout, breaches: Sequence[Breach], *, now: datetime) -> None:
    judgements = [one.judgement for one in breaches]
    times = 1 + max(count_holds_of_a_day(one.holds, now=now) for one in breaches)
    held = hold_rollout(
        rollout_id=rollout.pk,
        code=judgements[0].code,
        data={
            "flags": [item.flag_key for item in judgements],
            "evidence": [evidence_of(item) for item in judgements],
            "times_today": times,
        },
        actor=GUARDRAIL,
        reason=_write_all(judgements, times=times),
        now=now,
        expected_epoch=rollout.epoch,
    )
    if held is not None:
        _decide(breaches, Act.HELD, now=now)


@transaction.atomic
def _take_back(rollout: Rollout, breaches: Sequence[Breach], *, now: datetime) -> None:
    """Put off what the guardrail's scope says, for the one breach there is."""
    for breach in breaches:
        judgement, scope = breach.judgement, breach.guardrail.scope
        site = _find_site(breach) if scope == GuardrailScope.SITE else None
        row = rollout.rollout_flags.filter(flag__key=judgement.flag_key, is_active=True).first()
        if row is None:
            return
        trigger = Trigger(query_lane.kind_of(judgement.lane))
        if site is not None:
            roll_back_site(
                rollout_id=rollout.pk,
                site_id=site.pk,
                actor=GUARDRAIL,
                reason=_write(judgement),
                now=now,
                cause=Cause(trigger, judgement.detected_at, evidence_of(judgement)),
                expected_epoch=rollout.epoch,
            )
        else:
            roll_back(
                rollout_id=rollout.pk,
                flag_ids=None if scope == GuardrailScope.ROLLOUT else [row.flag_id],
                trigger=trigger,
                actor=GUARDRAIL,
                reason=_write(judgement),
                now=now,
                expected_epoch=rollout.epoch,
                detected_at=judgement.detected_at,
                evidence=evidence_of(judgement),
            )
        _decide([breach], Act.ROLLED_BACK, now=now, site_key=site.key if site else "")


def _find_site(breach: Breach) -> Site | None:
    """Return the site that the breach stands out at, None where it is several."""
    if breach.judgement.lane not in SHARE_LANES:
        named = breach.judgement.data.get("sites")
        return Site.objects.filter(key=named[0]).first() if isinstance(named, list) and len(named) == 1 else None
    figures = sum_sites_of_flag(
        environment_key=breach.judged.exposure.environment_key,
        flag_key=breach.judgement.flag_key,
        since=breach.judgement.window_start,
        until=breach.judgement.window_end,
    )
    key = find_site(figures, limit_bp=breach.judged.look.share_bp)
    return None if key is None else Site.objects.filter(key=key).first()


@transaction.atomic
def _investigate(rollout: Rollout, breaches: Sequence[Breach], *, now: datetime) -> None:
    """Have somebody look, once a day; what joins in later that day is written down."""
    judgements = [one.judgement for one in breaches]
    finding = Finding(
        lane=query_lane.kind_of(judgements[0].lane),
        said=_write_all(judgements),
        breaches=[evidence_of(item) for item in judgements],
        flags={item.flag_key: item.k for item in judgements},
    )
    opened = open_lane_investigation(rollout_id=rollout.pk, finding=finding, now=now, expected_epoch=rollout.epoch)
    if opened is None:
        _note(rollout, breaches, Act.INVESTIGATE, now=now)
    else:
        _decide(breaches, Act.INVESTIGATE, now=now)


@transaction.atomic
def _note(rollout: Rollout, breaches: Sequence[Breach], act: Act, *, now: datetime) -> None:
    """Write down once what the guardrail would have stopped, or leaves alone for a while."""
    fresh = [one for one in breaches if one.judged.is_new]
    if not fresh:
        return
    judgements = [one.judgement for one in fresh]
    add_event(
        rollout,
        kind=f"guardrail_{act}",
        actor=GUARDRAIL,
        reason=_write_all(judgements),
        now=now,
        data={"flags": [item.flag_key for item in judgements], "evidence": [evidence_of(item) for item in judgements]},
    )
    _decide(fresh, act, now=now)


def _decide(breaches: Sequence[Breach], act: Act, *, now: datetime, site_key: str = "") -> None:
    for breach in breaches:
        note_decision(
            breach.judged.exposure,
            breach.judgement,
            act=act,
            mode=breach.guardrail.mode,
            now=now,
            site_key=site_key,
            data={"scope": breach.guardrail.scope, "holds_today": count_holds_of_a_day(breach.holds, now=now)},
        )


def _write_all(judgements: Sequence[Judgement], *, times: int = 1) -> str:
    said = [_write(item) for item in judgements]
    again = [write_reason("held_again", times=times)] if times > 1 else []
    return BETWEEN.join([*dict.fromkeys(said), *again])


def _write(judgement: Judgement) -> str:
    return write_reason(
        judgement.code,
        k=judgement.k,
        n=judgement.n,
        odds=judgement.data.get("odds", ""),
        threshold=judgement.threshold,
        query=judgement.data.get("query", ""),
        value=judgement.data.get("value", ""),
        seconds=judgement.data.get("lasting_seconds", ""),
        alerts=BETWEEN.join(str(name) for name in _list(judgement.data.get("alerts"))),
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
