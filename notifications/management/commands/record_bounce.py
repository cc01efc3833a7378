"""`record_bounce`: reads a mail that came back from standard input, as a mail server pipes it."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from notifications.bounces import read_bounce
from notifications.contact_transitions import note_bounce
from notifications.models import Delivery

#: Of a report no more is read: what it says stands at its beginning.
MOST_BYTES = 1_000_000


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Read a mail that came back from standard input; where it will never arrive, write there no more."

    def handle(self, *args: Any, **options: Any) -> None:
        bounce = read_bounce(sys.stdin.buffer.read(MOST_BYTES))
        if bounce is None:
            self.stdout.write("Not a report about a mail of this portal: nothing was changed.")
            return
        if not bounce.is_final:
            self.stdout.write("The mail may still arrive: nothing was changed.")
            return
        delivery = Delivery.objects.filter(pk=bounce.delivery_id).first()
        if delivery is None or delivery.contact_id is None:
            self.stdout.write("No reader without an account was written to by this mail: nothing was changed.")
            return
        note_bounce(contact_id=delivery.contact_id, said=bounce.said, now=clock.now())
        self.stdout.write("Noted: nothing is sent to this address any more.")
