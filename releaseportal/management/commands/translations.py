"""Bring the French catalogue up to the sources, or check that it is complete."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from releaseportal import catalogues


class Command(BaseCommand):
    help = "Extract messages, merge them into locale/fr and compile; --check only tells what is missing."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where French is incomplete")

    def handle(self, *args: Any, **options: Any) -> None:
        base = Path(settings.BASE_DIR)
        path = base / "locale" / "fr" / "LC_MESSAGES" / "django.po"
        template = catalogues.extract_messages(base)
        catalogue = catalogues.read_catalogue(path, language="fr")
        if not options["check"]:
            catalogues.write_catalogue(catalogues.set_type(catalogues.merge(catalogue, template=template)), path)
        missing = catalogues.find_missing(catalogue, template=template)
        for message in missing:
            self.stdout.write(message)
        if missing:
            raise CommandError(f"{len(missing)} messages have no French words in {path.relative_to(base)}.")
