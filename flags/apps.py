from django.apps import AppConfig

from core.labels import REFUSALS
from flags import labels


class FlagsConfig(AppConfig):
    name = "flags"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        REFUSALS.update(labels.REFUSALS)
