"""Loads the demo into an empty database, by the portal's own transitions with past moments."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from announcements.transitions import set_hotline
from core.actors import DEMO, Actor, person
from core.domain.business_time import local_day
from core.people import create_person, make_groups
from flags.domain.purposes import Purpose
from flags.models import Environment, Flag, Segment, Site
from flags.transitions import (
    NewMember,
    add_site_days,
    create_environment,
    create_flag,
    create_segment,
    create_site,
    create_till,
    create_token,
)
from health.domain.samples import SampleValue
from health.rollup_transitions import roll_up_counts
from health.sample_transitions import record_samples
from releaseportal.demo import catalogue
from releaseportal.demo.calm import ZONE, Start, find_start
from rollouts.domain.lifecycle import Status
from rollouts.drawing import PlanRequest, draw_plan
from rollouts.models import Release, Rollout, Step, StepStatus
from rollouts.queries import find_next_step
from rollouts.risk_queries import check_risks
from rollouts.transitions import create_release, plan_rollout, run_next_step, schedule_rollout
from rollouts.transitions.keeping_risks import take_risk
from rollouts.transitions.reviewing_risks import review_risk
from rollouts.transitions.rostering import add_shift
from statuspage.installing import install_components
from statuspage.transitions import set_public

REASON = "The demo is loaded"
#: People, sites and flags are older than the rollout.
SET_UP_BEFORE = timedelta(days=60)
SAMPLED_BEFORE = timedelta(minutes=2)
#: More than the 52 that the error rate needs for a pass without any error.
HEALTHY_REQUESTS = 80


class DemoError(Exception):
    """The demo cannot be loaded; the text is for the person at the shell."""


@dataclass(frozen=True)
class Scene:
    """What both rollouts are made of."""

    release: Release
    testers: Segment
    pilots: tuple[NewMember, ...]
    site_ids: tuple[int, ...]


@transaction.atomic
def load_demo(*, now: datetime) -> dict[str, Any]:
    """Load the demo; return what `portal.json` tells of it. Refuses a database that holds environments."""
    if Environment.objects.exists():
        raise DemoError("The database already holds environments: the demo is loaded into an empty database only.")
    long_ago = now - SET_UP_BEFORE
    users, manager = _load_people(now=long_ago)
    environments = _load_environments(now=long_ago)
    tokens, telemetry_id = _load_tokens(environments, now=long_ago)
    scene = _load_scene(now=long_ago)
    _load_days(loaded_at=now, now=long_ago)
    _load_shifts(loaded_at=now, now=long_ago)
    _open_status_page(environments[catalogue.PRODUCTION], now=long_ago)
    standing = _load_standing_rollout(
        scene, environments[catalogue.PRODUCTION], telemetry_id=telemetry_id, actor=manager, now=now
    )
    _load_rehearsal(scene, environments[catalogue.STAGING], actor=manager, now=now)
    tills = [
        {"till": till.key, "site": till.site_key, "targeting_key": person}
        for till in catalogue.list_tills()
        for person in till.people
    ]
    return {"users": users, "tokens": tokens, "rollout": _describe(standing), "tills": tills}


def _load_people(*, now: datetime) -> tuple[dict[str, dict[str, str]], Actor]:
    make_groups()
    users: dict[str, dict[str, str]] = {}
    manager = DEMO
    for name, full_name, role in catalogue.PEOPLE:
        username = f"{name}-{secrets.token_hex(3)}"
        password = secrets.token_urlsafe(12)
        user = create_person(
            username=username,
            roles=[role],
            actor=DEMO,
            reason=REASON,
            now=now,
            email=f"{username}@example.org",
            full_name=full_name,
            password=password,
        )
        users[name] = {"username": username, "password": password}
        manager = person(user) if name == "manager" else manager
    return users, manager


def _load_environments(*, now: datetime) -> dict[str, Environment]:
    made = {
        one.key: create_environment(
            key=one.key,
            name=one.name,
            position=position,
            is_production=one.is_production,
            actor=DEMO,
            reason=REASON,
            now=now,
        )
        for position, one in enumerate(catalogue.ENVIRONMENTS, start=1)
    }
    for environment in made.values():
        set_hotline(
            environment_id=environment.pk,
            phone=catalogue.HOTLINE,
            hours_fr=catalogue.DUTY_HOURS,
            hours_en=catalogue.DUTY_HOURS,
            actor=DEMO,
            reason=REASON,
            now=now,
        )
    return made


def _load_tokens(environments: dict[str, Environment], *, now: datetime) -> tuple[dict[str, dict[str, str]], int]:
    """Return the tokens' texts, and the id of production's telemetry token."""
    texts: dict[str, dict[str, str]] = {key: {} for key in environments}
    telemetry_id = 0
    for key, environment in environments.items():
        for purpose in Purpose:
            row, text = create_token(
                environment_id=environment.pk,
                purpose=purpose,
                name=f"demo {key} {purpose}",
                actor=DEMO,
                reason=REASON,
                now=now,
            )
            texts[key][purpose.value] = text
            if key == catalogue.PRODUCTION and purpose is Purpose.TELEMETRY:
                telemetry_id = row.pk
    return texts, telemetry_id


def _load_scene(*, now: datetime) -> Scene:
    sites = _load_sites(now=now)
    flags = _load_flags(now=now)
    testers = create_segment(
        key=catalogue.TESTERS_KEY,
        name="Testeurs internes",
        members=[NewMember(key, f"Testeur {key[-2:]}") for key in catalogue.list_testers()],
        actor=DEMO,
        reason=REASON,
        now=now,
    )
    lyon = sites[catalogue.SITES[0].key]
    pilots = tuple(NewMember(key, f"Caisse {key[-2:]}", lyon.pk) for key in catalogue.list_pilots())
    create_segment(
        key=catalogue.PILOTS_KEY, name="Opérateurs pilotes", members=pilots, actor=DEMO, reason=REASON, now=now
    )
    release = create_release(
        version=catalogue.RELEASE_VERSION,
        flag_ids=[flag.pk for flag in flags],
        name="Nouvel écran de vente",
        actor=DEMO,
        reason=REASON,
        now=now,
    )
    return Scene(release, testers, pilots, tuple(site.pk for site in sites.values()))


def _load_sites(*, now: datetime) -> dict[str, Site]:
    sites = {
        one.key: create_site(
            key=one.key,
            name=one.name,
            city=one.name,
            phone=one.phone,
            street=one.street,
            postal_code=one.postal_code,
            opening_hours=catalogue.OPENING_HOURS,
            contact_name=one.contact_name,
            contact_email=f"{one.key}@example.org",
            backup_name=one.backup_name,
            backup_phone=one.backup_phone,
            actor=DEMO,
            reason=REASON,
            now=now,
        )
        for one in catalogue.SITES
    }
    for till in catalogue.list_tills():
        create_till(
            site_id=sites[till.site_key].pk,
            key=till.key,
            name=f"{sites[till.site_key].name} {till.key[-2:]}",
            actor=DEMO,
            reason=REASON,
            now=now,
        )
    return sites


def _load_days(*, loaded_at: datetime, now: datetime) -> None:
    sites = dict(Site.objects.values_list("key", "pk"))
    for one in catalogue.DAYS:
        earliest = local_day(loaded_at, zone=ZONE) + timedelta(days=one.ahead_days)
        starts_on = earliest + timedelta(days=(one.weekday - earliest.isoweekday()) % 7)
        add_site_days(
            site_id=sites[one.site_key],
            starts_on=starts_on,
            ends_on=starts_on + timedelta(days=one.length),
            kind=one.kind,
            label=one.label,
            actor=DEMO,
            reason=REASON,
            now=now,
        )


def _open_status_page(production: Environment, *, now: datetime) -> None:
    """Show everybody production, its releases as well."""
    install_components(now=now)
    said = {"is_public": True, "shows_rollouts": True, "shows_maintenance": True, "lists_unspoken": True}
    set_public(environment_id=production.pk, **said, actor=DEMO, reason=REASON, now=now)


def _load_shifts(*, loaded_at: datetime, now: datetime) -> None:
    """Put people on duty for every site, week by week, from the Monday of this week on."""
    today = local_day(loaded_at, zone=ZONE)
    monday = today - timedelta(days=today.weekday())
    for week, (name, phone) in enumerate(catalogue.ON_DUTY):
        add_shift(
            site_id=None,
            starts_on=monday + timedelta(weeks=week),
            ends_on=monday + timedelta(weeks=week + 1),
            name=name,
            phone=phone,
            hours=catalogue.DUTY_HOURS,
            actor=DEMO,
            reason=REASON,
            now=now,
        )


def _load_flags(*, now: datetime) -> list[Flag]:
    return [
        create_flag(
            key=one.key,
            name=one.name,
            description=one.description,
            cashier_note_fr=one.note_fr,
            criticality=one.criticality,
            owner="Caisse",
            actor=DEMO,
            reason=REASON,
            now=now,
        )
        for one in catalogue.FLAGS
    ]


def _load_standing_rollout(
    scene: Scene, environment: Environment, *, telemetry_id: int, actor: Actor, now: datetime
) -> Rollout:
    """Plan a rollout in the past and let it run to the present, gates and all."""
    request, planned_at = choose_plan(scene, environment_id=environment.pk, now=now)
    reason = f"Release {scene.release.version} goes to the shops"
    rollout = plan_rollout(request=request, actor=actor, reason=reason, now=planned_at)
    _review_risks(rollout, actor=actor, now=planned_at)
    schedule_rollout(rollout_id=rollout.pk, actor=actor, reason=reason, now=planned_at)
    while (step := find_next_step(rollout)) is not None and step.due_at <= now:
        if step.phase.steps.exclude(status=StepStatus.PLANNED).count() == 0:
            _record_healthy_samples(rollout, token_id=telemetry_id, now=step.due_at - SAMPLED_BEFORE)
        if run_next_step(rollout_id=rollout.pk, now=step.due_at) is None:
            raise DemoError(f"The demo's rollout stopped at {step.due_at.isoformat()}, before {step.flag.key}.")
    rollout.refresh_from_db()
    if rollout.status != Status.RUNNING:
        raise DemoError(f"The demo's rollout is {rollout.status} instead of running.")
    return rollout


def _review_risks(rollout: Rollout, *, actor: Actor, now: datetime) -> None:
    """Have all but the gravest risk looked at, and that one owned: a register in which something is left to do."""
    gravest, *others = check_risks(rollout).risks
    take_risk(risk_id=gravest.risk.pk, actor=actor, now=now)
    for one in others:
        review_risk(
            rollout_id=rollout.pk,
            risk_id=one.risk.pk,
            likelihood=one.risk.likelihood,
            impact=one.risk.impact,
            actor=actor,
            reason="Covered by the plan: pilots first, then one site a day",
            now=now,
        )


def choose_plan(scene: Scene, *, environment_id: int, now: datetime) -> tuple[PlanRequest, datetime]:
    """Return a plan that stands calmly between two sites at present, and when it was made."""

    def ask(start: Start) -> PlanRequest:
        return PlanRequest(
            release_id=scene.release.pk,
            environment_id=environment_id,
            testers_id=scene.testers.pk,
            pilots=scene.pilots,
            site_ids=scene.site_ids,
            start_on=start.on,
            promotion_time=start.promotion_time,
        )

    start = find_start(lambda one: draw_plan(ask(one), now=one.planned_at).phases, now=now)
    if start is None:
        raise DemoError("No start day leaves the demo's rollout between two sites: load the demo at another time.")
    return ask(start), start.planned_at


def _record_healthy_samples(rollout: Rollout, *, token_id: int, now: datetime) -> None:
    keys: Sequence[str | None] = [
        *rollout.rollout_flags.filter(is_active=True).values_list("flag__key", flat=True),
        None,
    ]
    values = [
        SampleValue(
            client_id=f"demo-{now:%Y%m%d%H%M}-{key or 'all'}",
            site_key=catalogue.SITES[0].key,
            till=catalogue.TEST_BENCHES[0],
            flag_key=key,
            release=catalogue.RELEASE_VERSION,
            transaction="",
            start_at=now - timedelta(minutes=1),
            seconds=60,
            requests=HEALTHY_REQUESTS,
            errors=0,
            critical_errors=0,
            integrity_errors=0,
            latency=None,
        )
        for key in keys
    ]
    record_samples(source=f"token:{token_id}", environment_id=rollout.environment_id, values=values, now=now)
    # The gates read sums, which nobody makes beside this command.
    roll_up_counts()


def _load_rehearsal(scene: Scene, environment: Environment, *, actor: Actor, now: datetime) -> Rollout:
    request = PlanRequest(
        release_id=scene.release.pk,
        environment_id=environment.pk,
        testers_id=scene.testers.pk,
        pilots=scene.pilots,
        site_ids=scene.site_ids,
        day_seconds=catalogue.REHEARSAL_DAY_SECONDS,
        is_repeated=True,
    )
    reason = f"Rehearsal of {scene.release.version}"
    rollout = plan_rollout(request=request, actor=actor, reason=reason, now=now)
    return schedule_rollout(rollout_id=rollout.pk, actor=actor, reason=reason, now=now)


def _describe(rollout: Rollout) -> dict[str, str]:
    """Name one flag that is on, an exposed site and an exposed person there."""
    step = (
        Step.objects.filter(rollout=rollout, status=StepStatus.DONE, site__isnull=False)
        .select_related("flag", "site")
        .order_by("position")
        .first()
    )
    if step is None or step.site is None:
        raise DemoError("The demo's rollout has reached no site.")
    till = next(till for till in catalogue.list_tills() if till.site_key == step.site.key)
    return {
        "environment": catalogue.PRODUCTION,
        "flag": step.flag.key,
        "site": step.site.key,
        "targeting_key": till.people[0],
    }
