from django.apps import AppConfig

from core.labels import REFUSALS
from core.reasons import REASONS
from incidents import labels


class IncidentsConfig(AppConfig):
    name = "incidents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
