from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from flags import labels, names


class FlagsConfig(AppConfig):
    name = "flags"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
