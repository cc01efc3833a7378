"""Write the state diagrams of the docs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from releaseportal.diagrams import draw_states

STATES_PAGE = Path("docs/explanation/states.md")


class Command(BaseCommand):
    help = "Write docs/explanation/states.md from the tables the code obeys."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        (Path(settings.BASE_DIR) / STATES_PAGE).write_text(draw_states(), encoding="utf-8")
        self.stdout.write(f"wrote {STATES_PAGE}")
