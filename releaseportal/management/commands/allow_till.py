"""`manage.py allow_till ORIGIN`: the example till's page may read the flags of the demo's environments."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from core import clock
from core.actors import DEMO
from flags.forms import ORIGIN
from flags.models import Environment
from flags.transitions import edit_environment
from releaseportal.embedded.portalfile import read_demo

REASON = "The example till reads its flags from here"


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Let the pages of an origin read the flags of the demo's environments; `up` does so for its example till."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("origin", help="for example http://127.0.0.1:8001")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        origin = options["origin"]
        if not ORIGIN.fullmatch(origin):
            raise CommandError(f"'{origin}' is no origin: write one such as http://127.0.0.1:8001.")
        keys = [*read_demo(settings.DATA_DIR).get("tokens", {})]
        for one in Environment.objects.filter(key__in=keys).exclude(allowed_origins__contains=[origin]).order_by("key"):
            edit_environment(
                environment_id=one.pk,
                name=one.name,
                position=one.position,
                is_production=one.is_production,
                required_approvals=one.required_approvals,
                allowed_origins=[*one.allowed_origins, origin],
                actor=DEMO,
                reason=REASON,
                now=clock.now(),
            )
        self.stdout.write(f"The demo's environments allow {origin}.")
