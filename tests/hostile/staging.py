"""A portal with something of everything in it, reached by real transitions."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from announcements.tasks import drive_outlets
from announcements.transitions import correct_announcement, publish_announcement, schedule_announcement, set_hotline
from core.actors import SCHEDULER, person
from core.models import User
from core.roles import Role
from flags.domain.audience import RuleAudience
from flags.domain.purposes import Purpose
from health.alert_transitions import record_alerts
from health.domain.alerts import Origin
from health.domain.guardrail import LIMITS
from health.domain.webhook_alerts import read_alerts
from health.guardrail_transitions import GuardrailWish, set_guardrail
from health.transitions import log_complaint
from incidents.domain.words import WordStatus
from incidents.dossier_views import WRITERS
from incidents.intake import list_waiting, take_in
from incidents.models import ActionItem, PostMortem
from incidents.transitions import (
    add_note,
    confirm_restored,
    drop_action_item,
    finish_action_item,
    say_word,
    write_known,
)
from notices.domain.problems import Origin as ProblemOrigin
from notices.domain.problems import Problem
from notices.problem_links import write_token as write_problem_token
from notices.transitions import Source, correct_notice, make_problem_link, report_problem
from notifications.contact_links import write_confirm_link, write_end_link
from notifications.contact_models import ContactKind
from notifications.contact_transitions import Row, add_users, ask_for, confirm_contact
from notifications.trial_transitions import try_endpoint
from procedures.transitions.opening import open_for_rollback
from rollouts.domain.templates import BUILT_IN_KEY
from rollouts.feedback_links import Link, write_token
from rollouts.models import Rollback, Rollout, Trigger
from rollouts.transitions import add_freeze, roll_back
from rollouts.transitions.feeding import create_feed
from rollouts.transitions.rostering import add_shift
from tests.factories.alerts import alert_item, alertmanager_body, make_sentry_hook
from tests.factories.announcements import make_content, make_draft
from tests.factories.core import make_person
from tests.factories.flags import make_rule
from tests.factories.incidents import TEXTS, make_incident, make_measure, review, write
from tests.factories.investigations import make_investigation
from tests.factories.notices import make_notice, make_wish
from tests.factories.notifications import make_endpoint
from tests.factories.pictures import draw_picture
from tests.factories.queries import make_query
from tests.factories.queries import say as read_query
from tests.factories.sources import make_source
from tests.factories.statuspage import open_page
from tests.factories.world import WHY, World, make_rehearsal, make_world, play
from tests.hostile.feeding import make_missing
from tests.recovery.operations import make_target

#: Of the world's release, as it stands in addresses.
VERSION = "1.3"


@dataclass(frozen=True)
class Scene:
    """What stands there, and what opens the pages that no number opens."""

    world: World
    rollout: Rollout
    people: dict[Role, User]
    secret: str
    problems: str
    #: One who has confirmed and one who has not.
    readers: list[int]

    @property
    def token(self) -> str:
        return self.world.tokens[Purpose.MANAGE][1]

    def list_candidates(self) -> dict[str, list[Any]]:
        """Return, by the name of a part of an address, what to put there; numbers and keys are found without."""
        link = Link(self.rollout.pk, "cashier-0", timezone.localdate(self.rollout.created_at))
        return {
            "environment": [self.world.environment.key],
            "statuspage:public.pk": [self.world.environment.pk],
            "statuspage:add.pk": [self.world.environment.pk],
            "lane": list(LIMITS),
            "action": ["nothing"],
            "secret": [self.secret],
            "rollouts:feedback.token": [write_token(link)],
            "notices:problem.token": [self.problems],
            "notices:link.key": ["lyon"],
            "notices:link_sheet.key": ["lyon"],
            "notices:link_revoke.key": ["lyon"],
            "notifications:confirm_contact.token": [_read_token(write_confirm_link(one)) for one in self.readers],
            "notifications:end_contact.token": [_read_token(write_end_link(one)) for one in self.readers],
            "kind": ["free"],
            "notifications:new_channel.kind": ["slack"],
            "item": list(ActionItem.objects.values_list("pk", flat=True)),
            "form": list(WRITERS),
            "incidents:dossier.pk": [self.world.release.pk],
            "incidents:dossier_take.pk": [self.world.release.pk],
            "q": ["zq"],
            "version": [self.world.release.version],
            "name": ["flag.v1.json"],
            "rollouts:template.key": [BUILT_IN_KEY],
        }


def build(*, now: datetime) -> Scene:
    """Return a scene whose last event is not after `now`."""
    world = make_world(now=now - timedelta(minutes=9))
    people = {role: make_person(role, now=now - timedelta(minutes=9)) for role in Role}
    rollout = _drive(world, now=now - timedelta(minutes=6))
    _watch(world, rollout, now=now - timedelta(minutes=3))
    _break(world, people, now=now - timedelta(minutes=2))
    problems = _tell_tills(world, now=now - timedelta(minutes=1))
    readers = _connect(people, now=now - timedelta(minutes=1))
    _announce(world, now=now)
    _feed, secret = create_feed(
        person_id=people[Role.RELEASE_MANAGER].pk,
        name="Mine",
        environment_id=None,
        actor=person(people[Role.RELEASE_MANAGER]),
        now=now,
    )
    open_page(world.environment, now=now)
    missing = make_missing()
    assert not missing, f"neither staged nor made: {missing}"
    return Scene(world, rollout, people, secret, problems, readers)


def _drive(world: World, *, now: datetime) -> Rollout:
    """A rehearsal under way, one flag taken back by hand, a frozen week, somebody on duty."""
    by: dict[str, Any] = {"actor": SCHEDULER, "reason": WHY}
    rollout = make_rehearsal(world, now=now)
    last = play(world, rollout, start=now, seconds=100)
    make_rule(world.flags[2], world.environment, RuleAudience.everyone(), now=last)
    flags = [world.flags[0].pk]
    roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, now=last, **by)
    open_for_rollback(Rollback.objects.latest("pk"), now=last)
    days: dict[str, Any] = {"starts_on": last.date(), "ends_on": last.date() + timedelta(days=9)}
    frozen: dict[str, Any] = {"starts_on": date(2031, 12, 20), "ends_on": date(2032, 1, 2)}
    add_freeze(environment_ids=[world.environment.pk], label="Winter", now=last, **frozen, **by)
    duty: dict[str, Any] = {"name": "Ana", "phone": "06 12 34 56 78", "hours": "9 to 17"}
    add_shift(site_id=None, now=last, **days, **duty, **by)
    return rollout


def _watch(world: World, rollout: Rollout, *, now: datetime) -> None:
    """Complaints, an alert by its hook's own reader, an investigation, sources and a query that spoke."""
    for flag_id, text in ((None, "The price is wrong"), (world.flags[1].pk, "So is the label")):
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=flag_id,
            text=text,
            severity="annoying",
            reporter="Ana",
            actor=SCHEDULER,
            now=now,
        )
    item = alert_item(started_at=now - timedelta(minutes=1), labels={"site": "lyon", "flag": world.flags[1].key})
    reading = read_alerts(alertmanager_body(item), [item], now=now)
    record_alerts(environment_id=world.environment.pk, origin=Origin.ALERTMANAGER, values=reading.accepted, now=now)
    make_investigation(rollout, now=now)
    make_source(world.environment, now=now)
    read_query(make_query(world.environment, now=now), 3.0, "timeout", until=now)
    make_sentry_hook(world.environment, now=now)
    wish = GuardrailWish(lane="error_rate", mode="observe", scope="flag", threshold_bp=200, flag_id=world.flags[1].pk)
    set_guardrail(environment_id=world.environment.pk, wish=wish, actor=SCHEDULER, reason=WHY, now=now)
    make_target(world.environment)


def _tell_tills(world: World, *, now: datetime) -> str:
    """A notice at a site, one that was put right, and a problem by a site's link; return what opens that link."""
    by: dict[str, Any] = {"actor": SCHEDULER, "now": now}
    make_notice(world.environment, now=now, site_ids=[world.sites[0].pk], flag_ids=[world.flags[1].pk], source="Word 1")
    old = make_notice(world.environment, now=now)
    correct_notice(notice_id=old.pk, wish=make_wish(), reason=WHY, **by)
    link = make_problem_link(environment_id=world.environment.pk, site_id=world.sites[0].pk, **by)
    problem = Problem(
        request_id="a1b2c3d4", site_key="lyon", text="The price is wrong", till="Till 3", targeting_key="Cashier 1"
    )
    report_problem(
        environment_id=world.environment.pk,
        source=Source(ProblemOrigin.LINK, link.pk),
        problem=problem,
        flags_in_force=[{"flag": "Price buttons", "variant": "Variant on", "till": "Variant off"}],
        **by,
    )
    return write_problem_token(link)


def _read_token(link: str) -> str:
    return link.rstrip("/").rpartition("/")[2]


def _connect(people: dict[Role, User], *, now: datetime) -> list[int]:
    """A team's channel with a test that waits for its code, a user of the tills, and readers of the status page.

    Return the numbers of those readers: one who has confirmed, one who has not.
    """
    endpoint = make_endpoint()
    try_endpoint(endpoint_id=endpoint.pk, user=people[Role.ADMIN], now=now)
    add_users([Row("lea@example.org")], now=now)
    readers = [
        ask_for(kind=ContactKind.EMAIL, address=f"{name}@example.org", language="fr", topics=[], now=now).pk
        for name in ("ana", "bea")
    ]
    confirm_contact(contact_id=readers[0], now=now)
    return readers


def _announce(world: World, *, now: datetime) -> None:
    """A draft, what waits for its time, and what was said and put right, to people here and at the tills."""
    user = make_person(Role.RELEASE_MANAGER, now=now)
    said: dict[str, Any] = {"actor": person(user), "now": now}
    make_draft(world.environment, **said)
    waiting = make_draft(world.environment, **said)
    schedule_announcement(announcement_id=waiting.pk, publish_at=now + timedelta(days=30), reason=WHY, **said)
    draft = make_draft(world.environment, outlets=["people", "users"], next_update_at=now + timedelta(hours=1), **said)
    publish_announcement(announcement_id=draft.pk, reason=WHY, **said)
    drive_outlets(draft.pk)
    notes: dict[str, Any] = {"note_fr": "La date était fausse", "note_en": "The date was wrong"}
    correct_announcement(announcement_id=draft.pk, content=make_content(), reason=WHY, **notes, **said)
    drive_outlets(draft.pk)
    set_hotline(
        environment_id=world.environment.pk, phone="01 23 45", hours_fr="9 h", hours_en="9 am", reason=WHY, **said
    )


def _break(world: World, people: dict[Role, User], *, now: datetime) -> None:
    """An incident that runs, with notes, a picture and a public word; and one that everybody may read of."""
    for event_id in list_waiting(limit=20):
        take_in(event_id, now=now)
    user = people[Role.SUPPORT]
    by: dict[str, Any] = {"actor": person(user), "now": now}
    past = make_incident(world.environment, **by)
    public = {"public_title": "Prices were wrong", "public_text": "For an hour"}
    write(past, user=user, now=now, texts=TEXTS | public, visibility="public")
    make_measure(past, user=user, now=now)
    confirm_restored(incident_id=past.pk, reason=WHY, **by)
    review(past, user=user, now=now)
    assert PostMortem.objects.get(incident=past).slug
    running = make_incident(world.environment, flag_keys=[world.flags[1].key], site_keys=["lyon"], **by)
    write(running, user=user, now=now, texts=TEXTS)
    for act in (finish_action_item, drop_action_item):
        item = make_measure(running, user=user, now=now)
        act(incident_id=running.pk, item_id=item.pk, reason=WHY, **by)
    write_known(incident_id=running.pk, text="Prices are wrong", **by)
    word: dict[str, Any] = {"text_fr": "Les prix sont faux", "text_en": "Prices are wrong"}
    say_word(incident_id=running.pk, status=WordStatus.INVESTIGATING, **word, **by)
    add_note(incident_id=running.pk, note="Seen at **till 3**", picture=draw_picture(), picture_alt="A till", **by)
