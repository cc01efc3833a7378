"""Check the audit chain: `manage.py verify_history [--head HASH]`."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.chain import Fault, verify_history

WORDS = {
    "link_missing": "link {seq} of the chain is missing",
    "link_broken": "link {seq} is broken: its hash does not fit ({table_name}, row {history_id})",
    "seal_undated": "link {seq} is broken: it bears no time of any calendar ({table_name}, row {history_id})",
    "row_deleted": "{table_name}, row {history_id} was deleted ({where})",
    "row_changed": "{table_name}, row {history_id} was changed ({where})",
    "row_never_entered": "{table_name}, row {history_id} never entered the chain: the portal did not write it",
    "head_unknown": "the given head is not in the chain: it was cut or made anew",
}


class Command(BaseCommand):
    requires_system_checks = ()  # `migrate` makes them; here they would take as long as the command
    help = "Check the audit chain; exit 1 and the first broken link where it does not hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", default="", metavar="HASH", help="a head noted earlier that the chain must hold")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_history(expected_head=options["head"].strip().lower())
        if found.fault is not None:
            self.stderr.write(f"History does not hold: {describe(found.fault)}.")
            sys.exit(1)
        self.stdout.write(f"History holds: {found.links} links, {found.waiting} rows waiting for their seal.")
        self.stdout.write(f"Head: {found.head}")


def describe(fault: Fault) -> str:
    """Return one English line about a fault."""
    where = "not sealed yet" if fault.seq is None else f"link {fault.seq}"
    return WORDS[fault.code].format(
        seq=fault.seq, where=where, table_name=fault.table_name, history_id=fault.history_id
    )
