from django.apps import AppConfig

from core.labels import REFUSALS
from core.reasons import REASONS
from health import labels


class HealthConfig(AppConfig):
    name = "health"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
