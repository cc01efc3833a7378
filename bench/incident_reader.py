"""The process of its own in which pages of incidents are measured, on a PostgreSQL that nobody else works on."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.figures import Figures
from bench.incident_world import RARE, Size, fill
from bench.incidents import ROUNDS, SIZES, Measured
from tests import plugin_servers

plugin_servers.start()

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core import clock
from core.actors import DEMO
from core.people import create_person
from core.roles import Role
from flags.domain.purposes import Purpose
from flags.transitions import create_environment, create_flag, create_site, create_token
from incidents.models import Incident

SITES = 50
Ask = Callable[[], None]


def _main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("migrate", verbosity=0, interactive=False)
    given, pages = _furnish()
    small: dict[str, tuple[float, int]] = {}
    for incidents, lines, complaints in SIZES:
        began = time.perf_counter()
        fill(Size(incidents, lines, complaints), now=clock.now(), **given)
        print(f"{incidents} incidents filled in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        for name, ask in pages(_list_paths()).items():
            figures, queries = _measure(name, ask)
            median = 1_000 * figures.percentile(0.5)
            if name not in small:
                small[name] = median, queries
                continue
            found = Measured(name, small[name][0], median, 1_000 * figures.percentile(0.95), small[name][1], queries)
            print(json.dumps(asdict(found)), flush=True)


def _furnish() -> tuple[dict[str, Any], Callable[[Mapping[str, str]], dict[str, Ask]]]:
    """Return what the world is about, and what makes the requests of paths."""
    by: dict[str, Any] = {"actor": DEMO, "reason": "measured", "now": clock.now()}
    places = [
        create_environment(key=key, name=key, position=at, is_production=key == "prod", **by)
        for at, key in enumerate(("prod", "staging"))
    ]
    sites = [create_site(key=f"site-{n}", name=f"Site {n}", city="Lyon", **by) for n in range(SITES)]
    flags = [create_flag(key=f"feature_{n}", name=f"Feature {n}", **by) for n in range(8)]
    user = create_person(username="support", roles=[Role.SUPPORT], **by)
    _token, secret = create_token(environment_id=places[0].pk, purpose=Purpose.MANAGE, name="bench", **by)
    people, programs = Client(headers={"accept-language": "fr"}), Client(headers={"authorization": f"Bearer {secret}"})
    people.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")

    def make(paths: Mapping[str, str]) -> dict[str, Ask]:
        return {name: _request(programs if path.startswith("/api/") else people, path) for name, path in paths.items()}

    given = {
        "environments": [one.pk for one in places],
        "sites": [one.pk for one in sites],
        "site_keys": [one.key for one in sites],
        "flags": [one.key for one in flags],
        "flag_ids": [one.pk for one in flags],
        "user": user.pk,
        "other": create_person(username="other", roles=[Role.SUPPORT], **by).pk,
    }
    return given, make


def _request(client: Client, path: str) -> Ask:
    def ask() -> None:
        method = client.post if path == "/complaints/similar/" else client.get
        answer = method(path, {"text": "Impossible de changer le prix"} if method == client.post else None)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answers {answer.status_code}")
        # A file comes in parts.
        _content = b"".join(answer) if answer.streaming else answer.content

    return ask


def _list_paths() -> dict[str, str]:
    """Return the addresses by their names in the table; deep pages and the war room are those of this size."""
    newest = Incident.objects.latest("pk").pk
    year = clock.now().year
    return {
        "incidents": "/incidents/",
        "incidents, filtered": "/incidents/?tier=critical&site=site-7&environment=prod",
        "incidents, deep": f"/incidents/?before={newest // 2}",
        "incidents, words": "/incidents/?q=imprimante",
        "war room of 2,000 lines": f"/incidents/{newest}/",
        "post-mortem's page": f"/incidents/{newest // 2}/post-mortem/",
        "report of a month": f"/incidents/report/?since={year}-06&until={year}-06",
        "report of a year": "/incidents/report/",
        "report as CSV, three years": f"/incidents/report.csv?since={year - 2}-01&until={year}-12",
        "measures": "/incidents/measures/",
        "measures, done": "/incidents/measures/?state=verified",
        "complaints": "/complaints/",
        "complaints, filtered": "/complaints/?site=site-7&severity=blocking",
        "complaints, words": "/complaints/?q=imprimante",
        "complaints, rare word": f"/complaints/?q={RARE}",
        "complaints, words at a site": "/complaints/?q=imprimante&site=site-7",
        "similar complaints while typing": "/complaints/similar/",
        "search: a common word": "/incidents/search/?q=caisse",
        "search: two common words": "/incidents/search/?q=caisse%20prix",
        "search: a rare word": f"/incidents/search/?q={RARE}",
        "search: an unknown word": "/incidents/search/?q=xylophone",
        "search: a phrase": "/incidents/search/?q=%22mise%20%C3%A0%20jour%22",
        "search: French, accents left out": "/incidents/search/?q=ecran%20gelee",
        "search: unfinished": "/incidents/search/?q=imp",
        "search: without": "/incidents/search/?q=imprimante%20-papier",
        "search: either": "/incidents/search/?q=tiroir%20OU%20drawer",
        "search: narrowed by site": "/incidents/search/?q=caisse&site=site-7",
        "search: narrowed by time": f"/incidents/search/?q=caisse&since={year - 2}-01-01&until={year - 2}-03-01",
        "search: page 20": "/incidents/search/?q=caisse&page=20",
        "palette": "/search/?q=imprimante",
        "dashboard": "/",
        "API: incidents": "/api/v1/incidents",
        "API: complaints": "/api/v1/complaints",
        "API: report": "/api/v1/incidents/report",
        "API: search": "/api/v1/search?q=caisse",
    }


def _measure(name: str, ask: Ask) -> tuple[Figures, int]:
    queries: list[str] = []

    def note(execute: Callable[..., object], *asked: Any) -> object:
        queries.append(asked[0])
        return execute(*asked)

    ask()
    with connection.execute_wrapper(note):
        ask()
    seconds = []
    for _ in range(ROUNDS):
        began = _spent()
        ask()
        seconds.append(_spent() - began)
    return Figures(name, seconds), len(queries)


def _spent() -> float:
    """Return the CPU seconds of this process and of its session in PostgreSQL: what is taken where nothing waits."""
    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    return time.process_time() + int(Path(f"/proc/{session}/schedstat").read_text().split()[0]) / 1e9


if __name__ == "__main__":
    _main()
