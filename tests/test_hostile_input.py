"""Every address × hostile input: an answer below 500, a refusal changes nothing, and every page escapes what it shows.

The account pages stand in test_hostile_accounts.py, what programs call in test_hostile_programs.py.
"""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from announcements.models import Announcement
from core import clock
from core.actors import SCHEDULER
from core.people import create_person
from core.roles import Role
from flags.domain.audience import RuleAudience
from health.models import Complaint
from health.transitions import log_complaint
from incidents.intake import list_waiting, take_in
from incidents.models import ActionItem, Incident
from notices.models import Notice, ProblemLink
from notices.problem_links import write_token as write_problem_token
from notices.transitions import make_problem_link
from notifications.models import Event
from rollouts.domain.templates import BUILT_IN_KEY
from rollouts.feedback_links import Link, write_token
from rollouts.models import FreezeWindow, Risk, Rollout, Trigger
from rollouts.transitions import add_freeze, roll_back
from statuspage.models import Component
from tests.digest import Watch
from tests.factories.announcements import make_draft
from tests.factories.core import make_person
from tests.factories.flags import make_rule
from tests.factories.incidents import make_measure
from tests.factories.notices import make_notice
from tests.factories.statuspage import open_page
from tests.factories.world import WHY, World, make_rehearsal, make_world, play
from tests.signed_in import sign_in_as

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
OURS = {"announcements", "flags", "rollouts", "health", "incidents", "notices", "notifications", "statuspage"}
SCRIPT = "<script>alert('here')</script>\"><img src=x onerror=alert(1)>"
HOSTILE = {
    "empty": "",
    "spaces": "   ",
    "nul": "a\x00b",
    # As long as a form may be with every field so: longer ones are refused before any page (tests/test_bodies.py).
    "long": "x" * 10_000,
    "emoji": "💥" * 300,
    "script": SCRIPT,
    "minus": "-1",
    "huge": "9" * 40,
    "exponent": "1e309",
    "arabic_digits": "١٢٣",
    "date": "0000-00-00",
    "lines": "a\r\nBcc: everybody@example.org",
}
#: What a form somewhere takes as text; everything else is a choice, a number or a moment.
TEXTS = {
    "reason",
    "name",
    "description",
    "label",
    "title",
    "text",
    "reporter",
    "note",
    "owner",
    "title_fr",
    "title_en",
    "text_fr",
    "text_en",
    "cashier_note_fr",
    "summary",
    "root_cause",
    "impact",
    "documentation",
    "documentation_updates",
    "detection",
    "went_well",
    "went_badly",
    "lucky",
    "why_1",
    "why_5",
    "public_title",
    "public_text",
    "city",
    "phone",
    "street",
    "postal_code",
    "opening_hours",
    "hours",
    "name_fr",
    "name_en",
    "description_fr",
    "description_en",
    "hotline",
    "contact_name",
    "backup_name",
    "backup_phone",
    "targeting_key",
    "notes",
    "who",
    "till",
    "attributes",
    "v-0-name",
    "v-1-name",
    "c-0-attribute",
    "c-0-value",
    "body_fr",
    "body_en",
    "one_language_reason",
    "note_fr",
    "note_en",
    "hours_fr",
    "hours_en",
}
#: What a page was made from: a hostile one is refused before anything else is looked at.
SEEN = {"epoch", "version", "source_version", "seen", "up_to"}
#: Buttons, sent with every body; without them a page only shows what it would do.
BUTTONS = {"do": "save", "confirm": "1"}
#: Hostile where a whole number is read; each other value is no number, as the empty one is none.
NUMBERS = {HOSTILE[name] for name in ("empty", "minus", "huge", "exponent", "arabic_digits")}
#: Pages that read nothing posted: one body is enough.
READS = {
    *("/", "/search/", "/flags/", "/segments/", "/sites/", "/environments/", "/rollouts/", "/incidents/"),
    *("/health/", "/complaints/", "/incidents/search/", "/flags/removal/", "/agenda/", "/calendar/"),
    *("/export-flags/", "/export-plan-templates/"),
}
#: What a form with a prefix says of a risk.
RISK = {"title": "Sound words", "category": "technical", "likelihood": "3", "impact": "3", "reason": "Sound words"}
#: What stands in an address and names no row.
SAID = {"kind": "free", "lane": "error_rate", "secret": "unknown", "slug": "unknown", "form": "html"}
#: Names that mean something else on other pages: what is sound there, by how the address begins.
ELSEWHERE = {"/announcements/": {"kind": "free", "flag": ""}}
#: By the page: every action that its address may name, and one that is none.
ACTIONS = {
    "rollouts:act": (
        *("schedule", "pause", "resume", "acknowledge", "redraft", "cancel"),
        *("request_approval", "withdraw", "nothing"),
    ),
    "incidents:act": (
        *("acknowledge", "tier"),
        *("mitigate", "restore", "reopen", "close", "nothing"),
    ),
    "incidents:post_mortem_act": ("ask", "submit", "approve", "send-back", "publish", "withdraw", "hide", "nothing"),
    "incidents:call_back_act": ("told", "not-reached", "not-needed", "undo", "nothing"),
    "incidents:measure_act": ("finish", "verify", "reject", "drop", "hand-over", "nothing"),
    "notifications:steer_broadcast": ("pause", "resume", "end", "nothing"),
    "flags:rule_change": ("earlier", "later", "remove", "nothing"),
    "rollouts:template_act": ("archive", "restore", "nothing"),
    "rollouts:risk_act": ("rate", "take", "mitigate", "accept", "close", "reopen", "nothing"),
    "rollouts:investigation_act": ("take", "hand-over", "dismiss", "nothing"),
    "announcements:act": ("unschedule", "withdraw", "again", "nothing"),
    "flags:shelve": ("archive", "restore", "nothing"),
}


def _good(world: World, rollout: Rollout) -> dict[str, Any]:
    """A sound value for every field that a form of the portal has."""
    return dict.fromkeys(TEXTS, "Sound words") | {
        "key": "sound-key",
        "environment": world.environment.key,
        "environments": [world.environment.key],
        "version": "1",
        "epoch": str(rollout.epoch),
        "release": str(world.release.pk),
        "image": "",
        "testers": str(world.testers.pk),
        "pilots": ["tester-1"],
        "sites": ["lyon"],
        "site_order": ["lyon"],
        "flags": [str(flag.pk) for flag in world.flags],
        "flag": str(world.flags[1].pk),
        "site": str(world.sites[0].pk),
        "start_on": "2030-01-01",
        "promotion_time": "06:00",
        "day_seconds": "60",
        "audience": "everyone",
        "variant": "on",
        "criticality": "minor",
        "severity": "annoying",
        "tier": "minor",
        "time_zone": "Europe/Paris",
        "opening_weekdays": ["1"],
        "purpose": "client",
        "documentation_url": "https://example.org/",
        "expires_on": "2030-01-01",
        "due_on": "2030-01-01",
        "detected_at": "2026-01-01T10:00",
        "kind": "preventive",
        "visibility": "internal",
        "repeats": "",
        "verifier": "",
        "first_on": "2030-01-01",
        "last_on": "2030-01-02",
        "days": "1",
        "contact_email": "ana@example.org",
        "what": "all",
        "to": "off",
        "mark": "duplicate",
        "original": str(Complaint.objects.latest("pk").pk),
        "member": str(world.testers.members.get().pk),
        "delivery": "1",
        "item": "1",
        "decision": "approve",
        "content_hash": "",
        "phase": "",
        "required_approvals": "0",
        "phase-0-checklist": "",
        "language": "en",
        "value_type": "string",
        "default_line": "1",
        "off_line": "1",
        "v-TOTAL_FORMS": "2",
        "v-INITIAL_FORMS": "0",
        "v-0-value": "a",
        "v-1-value": "b",
        "c-TOTAL_FORMS": "1",
        "c-INITIAL_FORMS": "0",
        "c-0-verb": "text:equals",
        "share-0": "50",
        "share-1": "50",
        "up_to": "1",
        "seen": "1",
        "revoke": "",
        "move": "lyon:up",
        "position": "1",
        "is_production": "",
        "source": world.environment.key,
        "target": world.environment.key,
        "source_version": "1",
        "is_permanent": "",
        "is_unasked": "on",
        "back": "removal",
        "mode": "hold",
        "percent": "5",
        "allowed_origins": "https://a.example",
        "template": "",
        "phase-TOTAL_FORMS": "1",
        "phase-INITIAL_FORMS": "0",
        "phase-0-kind": "percentage",
        "phase-0-days": "3",
        "phase-0-advance": "in_order",
        "phase-0-flag_order": world.flags[0].key,
        "phase-0-slots": "06:00",
        "phase-0-segment": "",
        "phase-0-shares": "10, 20",
        "rating": "3",
        "shift": "1",
        "feed": "1",
        "phase-0-gates": ["soak"],
        "phase-0-support": "standard",
        "phase-0-error_rate_mode": "",
        "phase-0-error_rate_percent": "2",
        "phase-0-complaints_a_day": "2",
        "phase-0-alert_scope": "site",
        "edit": "skip",
        "step": str(rollout.steps.latest("position").pk),
        "share": "10",
        "category": "technical",
        "level": "warning",
        "hotline": "01 23 45 67 89",
        "next_update_at": "",
        "starts_at": "",
        "ends_at": "",
        "request_id": str(uuid.UUID(int=7)),
        "link": "1",
        "likelihood": "3",
        "impact": "3",
        "mitigation": "Sound words",
        "review_on": "2030-01-01",
        "releases": [world.release.version],
        "risk": str(Risk.objects.earliest("pk").pk),
        **{f"raise-{name}": value for name, value in RISK.items()},
        "case-risk": str(Risk.objects.latest("pk").pk),
        "case-reason": "Sound words",
        "outlets": ["people"],
        "roles": ["support"],
        "places": "everywhere",
        "rollout": str(rollout.pk),
        "incident": "",
        "follows": "",
        "publish_at": "",
        "confirmed": "1",
        "draft": "1",
        "run": "1",
    }


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal with a flag taken back, its incident, two complaints, and a rule that a person laid."""
    start = clock.now() - timedelta(minutes=3)
    rollout = make_rehearsal(world, now=start)
    now = play(world, rollout, start=start, seconds=100)
    flags = [world.flags[0].pk]
    roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=now)
    for event_id in list_waiting(limit=10):
        take_in(event_id, now=now)
    make_measure(Incident.objects.get(), user=make_person(Role.SUPPORT), now=now)
    for text in ("The price is wrong", "So is the label"):
        log_complaint(
            environment_id=world.environment.pk,
            site_id=world.sites[0].pk,
            flag_id=None,
            text=text,
            severity="annoying",
            reporter="Ana",
            actor=SCHEDULER,
            now=now,
        )
    make_rule(world.flags[2], world.environment, RuleAudience.everyone())
    make_draft(world.environment)
    days = date(2031, 12, 20), date(2032, 1, 2)
    places = [world.environment.pk]
    make_notice(world.environment, now=clock.now())
    by: Any = {"actor": SCHEDULER, "now": now}
    make_problem_link(environment_id=world.environment.pk, site_id=world.sites[0].pk, **by)
    add_freeze(
        environment_ids=places, starts_on=days[0], ends_on=days[1], label="a", actor=SCHEDULER, reason=WHY, now=now
    )
    open_page(world.environment, now=now)
    return rollout


@pytest.fixture
def client(world: World) -> Client:
    admin = create_person(username="ada", roles=list(Role), actor=SCHEDULER, reason=WHY, now=clock.now())
    return sign_in_as(admin)


def _patterns() -> Iterator[tuple[str, URLPattern]]:
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and entry.app_name in OURS:
            for pattern in entry.url_patterns:
                if isinstance(pattern, URLPattern):
                    yield f"{entry.app_name}:{pattern.name}", pattern


def _addresses(world: World, rollout: Rollout) -> list[str]:
    """Every address of our apps, with things that exist."""
    own_rule = world.flags[2].states.get().rules.get(origin="")
    things = {
        "rollouts": rollout.pk,
        "incidents": Incident.objects.get().pk,
        "health": Complaint.objects.earliest("pk").pk,
        "flags": own_rule.pk,
        "notifications": Event.objects.latest("pk").pk,
        "statuspage": Component.objects.earliest("pk").pk,
        "notices": Notice.objects.latest("pk").pk,
        "announcements": Announcement.objects.get().pk,
    }
    keys = {
        "segment": world.testers.key,
        "member": world.testers.key,
        "site": "lyon",
        "till": "lyon",
        "link": "lyon",
        "environment": world.environment.key,
        "template": BUILT_IN_KEY,
    }
    found = ["/", "/search/", "/environment/", "/language/", reverse("admin:changes_export")]
    for name, pattern in _patterns():
        app, _colon, page = name.partition(":")
        wanted = pattern.pattern.converters
        values: dict[str, Any] = {}
        if "pk" in wanted:
            apart = {
                "freeze": FreezeWindow.objects.get().pk,
                "release": world.release.pk,
                "risk": Risk.objects.earliest("pk").pk,
                "dossier": world.release.pk,
                "override": rollout.phases.latest("position").pk,
                "public": world.environment.pk,
                "add": world.environment.pk,
            }
            values["pk"] = apart.get(page.partition("_")[0], things[app])
        if "key" in wanted:
            values["key"] = next((key for start, key in keys.items() if page.startswith(start)), world.flags[1].key)
        values |= {name: said for name, said in SAID.items() if name in wanted}
        if "environment" in wanted:
            values["environment"] = world.environment.key
        if "item" in wanted:
            values["item"] = ActionItem.objects.get().pk
        if "token" in wanted:
            feedback = Link(rollout.pk, "cashier-0", timezone.localdate(clock.now()))
            problem = ProblemLink.objects.get()
            values["token"] = write_problem_token(problem) if app == "notices" else write_token(feedback)
        actions = ACTIONS[name] if "action" in wanted else ("",)
        found += [reverse(name, kwargs=values | ({"action": action} if action else {})) for action in actions]
    return found


def _bodies(good: dict[str, Any], value: str) -> list[dict[str, Any]]:
    """The texts hostile; then the choices, numbers and moments; then what the page was made from; once, all."""
    texts = {name: value for name in good if name in TEXTS}
    seen = dict.fromkeys(SEEN, value)
    choices = {name: value for name in good if name not in TEXTS | SEEN}
    whole = [dict.fromkeys([*good, *BUTTONS], value)] if value in {"", SCRIPT} else []
    numbers = [good | BUTTONS | seen] if value in NUMBERS else []
    return [good | BUTTONS | texts, good | BUTTONS | choices, *numbers, *whole]


def _fit(path: str, body: dict[str, Any], good: dict[str, Any]) -> dict[str, Any]:
    """Return a body with what is sound on a page alone, where a name means something else elsewhere."""
    sound = next((named for start, named in ELSEWHERE.items() if path.startswith(start)), {})
    return body | {name: value for name, value in sound.items() if body.get(name) == good[name]}


def _send(client: Client, path: str, body: dict[str, Any]) -> Any:
    """Post a body as a browser does where a form has no file."""
    return client.post(path, urlencode(body, doseq=True), content_type=FORM)


def _is_refusal(answer: Any) -> bool:
    """Whether a POST was refused: below 500 but not granted, or answered with the page again.

    Two things are granted without leading elsewhere: a new token, shown once, and a file. A way to
    another page with an error told there is a refusal as well.
    """
    if answer.status_code == 302:
        queued = answer.wsgi_request._messages._queued_messages
        return any(message.level_tag == "error" for message in queued)
    return not ("Content-Disposition" in answer or (answer.context and answer.context.get("shown")))


def _is_unescaped(page: Any) -> bool:
    """Whether a page shows input as it came; a file that is taken along is no page."""
    return "Content-Disposition" not in page and (b"<script>alert" in page.content or b"<img src=x" in page.content)


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_post__hostile__is_answered_changes_nothing_where_refused_and_every_page_still_stands(
    world: World, rollout: Rollout, client: Client, value: str
) -> None:
    good = _good(world, rollout)
    addresses = _addresses(world, rollout)
    # No page is reached by what the middleware refuses; one body is enough.
    bodies = [good | BUTTONS | {"reason": value}] if "\x00" in value else _bodies(good, value)
    watch, faults = Watch(), []

    for path in addresses:
        for body in bodies[:1] if path in READS else bodies:
            answer = watch.look(partial(_send, client, path, _fit(path, body, good)))
            is_odd = "\x00" in value and answer.status_code not in {400, 405}
            if answer.status_code >= 500 or is_odd or _is_unescaped(answer):
                faults.append(f"{path}: {answer.status_code}")
            if (changed := watch.name_changes()) and _is_refusal(answer):
                faults.append(f"{path}: {answer.status_code}, changed {changed}")
    for path in {path for path in addresses if "/shelf/" not in path}:
        page = client.get(path)
        if page.status_code >= 500 or _is_unescaped(page):
            faults.append(f"{path}: {page.status_code}")

    assert faults == []


def test_post__bytes_of_no_encoding__are_answered_and_change_nothing_where_refused(
    world: World, rollout: Rollout, client: Client
) -> None:
    broken = "&".join(f"{name}=%ED%B3%BF%FF" for name in _good(world, rollout))
    watch, faults = Watch(), []

    for path in _addresses(world, rollout):
        answer = watch.look(partial(client.post, path, broken, content_type=FORM))
        changed = watch.name_changes()
        if answer.status_code >= 500 or (changed and _is_refusal(answer)):
            faults.append(f"{path}: {answer.status_code}, changed {changed}")

    assert faults == []


def test_actions__of_every_address_that_names_one__are_listed() -> None:
    acting = {name for name, pattern in _patterns() if "action" in pattern.pattern.converters}

    assert acting == set(ACTIONS)


@pytest.mark.parametrize("value", ["", "a\x00b", SCRIPT, "9" * 40, "-1"])
def test_get__hostile_query__is_answered(world: World, rollout: Rollout, client: Client, value: str) -> None:
    query = dict.fromkeys(
        (*_good(world, rollout), "q", "state", "status", "page", "part", "kind", "show", "month"), value
    )
    faults = []

    for path in _addresses(world, rollout):
        try:
            page = client.get(path, query)
        except UnicodeEncodeError:
            continue
        if page.status_code >= 500 or b"<script>alert" in page.content:
            faults.append((path, page.status_code))

    assert faults == []


@pytest.mark.parametrize("pk", [0, 2**31, 2**63, 10**40])
def test_get__a_number_of_nothing__is_no_fault(client: Client, pk: int) -> None:
    more = {"action": "pause", "item": pk, "lane": "error_rate", "form": "html"}
    paths = [
        reverse(name, kwargs={"pk": pk} | {key: more[key] for key in more if key in pattern.pattern.converters})
        for name, pattern in _patterns()
        if "pk" in pattern.pattern.converters
    ]

    # 302: a page that only takes a POST leads to its list.
    assert {path: status for path in paths if (status := client.get(path).status_code) not in {302, 404}} == {}


@pytest.mark.parametrize("path", ["/flags/a%00b/", "/segments/%00/", "/sites/x%00/edit/", "/%00"])
def test_get__a_nul_in_the_address__is_refused(client: Client, path: str) -> None:
    assert client.get(path).status_code in {400, 404}
