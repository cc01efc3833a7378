"""`manage.py simulate_fleet`: plays the point-of-sale fleet, or steers the one that plays."""

import json
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser

from releaseportal.addresses import PORTAL_FILE
from releaseportal.demo.catalogue import ENVIRONMENTS, FLAG_KEYS
from releaseportal.embedded.lock import UP, find_holder
from releaseportal.fleet.control import ALL, FORMS, BadFault, merge, parse_fault, read_faults, write_faults
from releaseportal.fleet.player import play, stop_on_signals
from releaseportal.fleet.tills import PLAYED

#: `up` writes portal.json a moment after it has started the fleet.
PATIENCE_SECONDS = 180.0
ENVIRONMENT_KEYS = tuple(one.key for one in ENVIRONMENTS)


class Command(BaseCommand):
    help = "Play the fleet against the running portal; --fault and --clear steer the fleet that already plays."
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fault", action="append", default=[], help=f"{FORMS}; may be given more than once")
        parser.add_argument(
            "--env", default=ALL, help=f"play in, or show the fault in, this environment alone; {ALL} by default"
        )
        parser.add_argument("--clear", action="store_true", help="end all faults")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["fault"] or options["clear"]:
            self._steer(options["fault"], env=options["env"], clear=options["clear"])
        else:
            self._play(env=options["env"])

    def _steer(self, texts: list[str], *, env: str, clear: bool) -> None:
        try:
            new = [parse_fault(text, env=env, flag_keys=FLAG_KEYS, env_keys=ENVIRONMENT_KEYS) for text in texts]
        except BadFault as fault:
            raise CommandError(str(fault)) from None
        read_portal()
        faults = merge([] if clear else read_faults(settings.DATA_DIR), new)
        write_faults(settings.DATA_DIR, faults)
        shown = "; ".join(f"{fault.flag} {fault.kind}={fault.value:g} in {fault.env}" for fault in faults)
        self.stdout.write(f"The fleet shows: {shown}." if shown else "The fleet is healthy.")

    def _play(self, *, env: str) -> None:
        stop = threading.Event()
        stop_on_signals(stop)
        portal = wait_for_portal(stop)
        if portal is None:
            return
        tokens = (portal.get("demo") or {}).get("tokens") or {}
        if not tokens:
            raise CommandError("The portal holds no demo, so the fleet has no tokens: run `make up` on a new DATA_DIR.")
        if env != ALL and env not in tokens:
            raise CommandError(f"The fleet does not play in '{env}': choose {', '.join([*tokens, ALL])}.")
        # A fleet begins healthy: a fault of an earlier run would surprise.
        write_faults(settings.DATA_DIR, [])
        envs = PLAYED if env == ALL else [env]
        self.stdout.write(f"The fleet plays in {' and '.join(envs)}, until Ctrl-C.")
        self.stdout.flush()
        play(data_dir=settings.DATA_DIR, url=str(portal["url"]), tokens=tokens, envs=envs, stop=stop)


def read_portal() -> dict[str, Any]:
    """Return portal.json; refuse where no portal runs, also where a killed one has left its file."""
    path = settings.DATA_DIR / PORTAL_FILE
    holder = find_holder(settings.DATA_DIR)
    if holder is None or holder.what != UP:
        raise CommandError(f"No portal runs on DATA_DIR {settings.DATA_DIR}: start it with `make up` first.")
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        raise CommandError(f"The portal is still starting ({path} is not there yet): try again.") from None
    return found if isinstance(found, dict) else {}


def wait_for_portal(stop: threading.Event) -> dict[str, Any] | None:
    """Return portal.json, waiting for it while `up` starts; None when told to stop meanwhile."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not stop.is_set():
        try:
            return read_portal()
        except CommandError:
            holder = find_holder(settings.DATA_DIR)
            if holder is None or holder.what != UP or time.monotonic() > limit:
                raise
        stop.wait(0.2)
    return None
