from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS
from notices import labels, names


class NoticesConfig(AppConfig):
    name = "notices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
