"""Every address × hostile input: an answer below 500, nothing half done, and every page escapes what it shows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core import clock
from core.actors import SCHEDULER
from core.people import create_person
from core.roles import Role
from flags.models import Rule
from health.models import Complaint
from health.transitions import log_complaint
from incidents.intake import list_waiting, take_in
from incidents.models import Incident
from rollouts.models import Rollout, Trigger
from rollouts.transitions import roll_back
from tests.factories.world import WHY, World, make_rehearsal, make_world, play

pytestmark = pytest.mark.django_db

OURS = {"flags", "rollouts", "health", "incidents", "notifications"}
SCRIPT = "<script>alert('here')</script>\"><img src=x onerror=alert(1)>"
HOSTILE = {
    "empty": "",
    "spaces": "   ",
    "nul": "a\x00b",
    "surrogate": "\udcff",
    "long": "x" * 100_000,
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
    "cashier_note_fr",
    "summary",
    "root_cause",
    "impact",
    "documentation",
    "documentation_updates",
    "city",
    "phone",
    "street",
    "postal_code",
    "opening_hours",
    "contact_name",
    "backup_name",
    "backup_phone",
    "targeting_key",
}
ACTIONS = (
    *("pause", "resume", "acknowledge", "redraft", "schedule", "cancel", "archive", "restore", "earlier", "remove"),
    *(
        "command",
        "take",
        "mitigate",
        "restore",
        "close",
        "reopen",
        "note",
        "tier",
        "learn",
        "item",
        "done",
        "post-mortem",
    ),
)


def _good(world: World, rollout: Rollout) -> dict[str, Any]:
    """A sound value for every field that a form of the portal has."""
    return dict.fromkeys(TEXTS, "Sound words") | {
        "key": "sound-key",
        "environment": world.environment.key,
        "version": "1",
        "epoch": str(rollout.epoch),
        "release": str(world.release.pk),
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
        "first_on": "2030-01-01",
        "last_on": "2030-01-02",
        "days": "1",
        "contact_email": "ana@example.org",
        "what": "all",
        "to": "off",
        "mark": "duplicate",
        "original": "1",
        "member": "1",
        "delivery": "1",
        "item": "1",
        "up_to": "1",
        "seen": "1",
        "revoke": "",
        "move": "lyon:up",
        "position": "1",
        "is_production": "",
        "mode": "hold",
        "percent": "5",
        "allowed_origins": "https://a.example",
    }


@pytest.fixture
def world() -> World:
    return make_world(now=clock.now() - timedelta(minutes=5))


@pytest.fixture
def rollout(world: World) -> Rollout:
    """A rehearsal with a flag taken back, its incident, and a complaint."""
    start = clock.now() - timedelta(minutes=3)
    rollout = make_rehearsal(world, now=start)
    now = play(world, rollout, start=start, seconds=100)
    flags = [world.flags[0].pk]
    roll_back(rollout_id=rollout.pk, flag_ids=flags, trigger=Trigger.MANUAL, actor=SCHEDULER, reason=WHY, now=now)
    for event_id in list_waiting(limit=10):
        take_in(event_id, now=now)
    log_complaint(
        environment_id=world.environment.pk,
        site_id=world.sites[0].pk,
        flag_id=None,
        text="The price is wrong",
        severity="annoying",
        reporter="Ana",
        actor=SCHEDULER,
        now=now,
    )
    return rollout


@pytest.fixture
def client(world: World) -> Client:
    admin = create_person(username="ada", roles=list(Role), actor=SCHEDULER, reason=WHY, now=clock.now())
    client = Client()
    client.force_login(admin, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def _patterns() -> Iterator[tuple[str, URLPattern]]:
    for entry in get_resolver().url_patterns:
        if isinstance(entry, URLResolver) and entry.app_name in OURS:
            for pattern in entry.url_patterns:
                if isinstance(pattern, URLPattern):
                    yield f"{entry.app_name}:{pattern.name}", pattern


def _addresses(world: World, rollout: Rollout) -> list[str]:
    """Every address of our apps, with things that exist."""
    rule = Rule.objects.first()
    assert rule is not None
    things = {
        "rollouts": rollout.pk,
        "incidents": Incident.objects.get().pk,
        "health": Complaint.objects.get().pk,
        "flags": rule.pk,
    }
    keys = {
        "segment": world.testers.key,
        "member": world.testers.key,
        "site": "lyon",
        "till": "lyon",
        "environment": world.environment.key,
    }
    found = ["/environment/", "/language/"]
    for name, pattern in _patterns():
        app, _colon, page = name.partition(":")
        wanted = pattern.pattern.converters
        values: dict[str, Any] = {}
        if "pk" in wanted:
            values["pk"] = things[app]
        if "key" in wanted:
            values["key"] = next((key for start, key in keys.items() if page.startswith(start)), world.flags[1].key)
        if "environment" in wanted:
            values["environment"] = world.environment.key
        if "lane" in wanted:
            values["lane"] = "error_rate"
        actions = ACTIONS if "action" in wanted else ("",)
        found += [reverse(name, kwargs=values | ({"action": action} if action else {})) for action in actions]
    return found


def _bodies(good: dict[str, Any], value: str) -> list[dict[str, Any]]:
    """All fields hostile; then only the texts; then only the rest."""
    texts = {name: value for name in good if name in TEXTS}
    rest = {name: value for name in good if name not in TEXTS}
    return [texts | rest, good | texts, good | rest]


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_post__hostile__is_answered_and_every_page_still_stands(
    world: World, rollout: Rollout, client: Client, value: str
) -> None:
    addresses = _addresses(world, rollout)
    good = _good(world, rollout)
    faults = []

    for path in addresses:
        for body in _bodies(good, value):
            try:
                status = client.post(path, body).status_code
            except UnicodeEncodeError:
                # The test client itself cannot send what no encoding has.
                continue
            if status >= 500 or ("\x00" in value and status != 400):
                faults.append((path, status))
    for path in {path for path in addresses if "/shelf/" not in path}:
        page = client.get(path)
        if page.status_code >= 500 or (b"<script>alert" in page.content or b"<img src=x" in page.content):
            faults.append((path, page.status_code))

    assert faults == []


@pytest.mark.parametrize("value", ["", "a\x00b", SCRIPT, "9" * 40, "-1"])
def test_get__hostile_query__is_answered(world: World, rollout: Rollout, client: Client, value: str) -> None:
    query = dict.fromkeys((*_good(world, rollout), "q", "state", "status", "page", "part", "kind", "show"), value)
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
    paths = [
        reverse(name, kwargs={"pk": pk} | ({"action": "pause"} if "action" in pattern.pattern.converters else {}))
        for name, pattern in _patterns()
        if "pk" in pattern.pattern.converters
    ]

    # 302: a page that only takes a POST leads to its list.
    assert {path: status for path in paths if (status := client.get(path).status_code) not in {302, 404}} == {}


@pytest.mark.parametrize("path", ["/flags/a%00b/", "/segments/%00/", "/sites/x%00/edit/", "/%00"])
def test_get__a_nul_in_the_address__is_refused(client: Client, path: str) -> None:
    assert client.get(path).status_code in {400, 404}
