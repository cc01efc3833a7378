from django.apps import AppConfig

from core import file_labels, names
from core.labels import REFUSALS, ROLES
from core.naming import name_records
from core.reasons import VALUES


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        name_records(self, names.NAMES)
        REFUSALS.update(file_labels.REFUSALS)
        VALUES["roles"] = ROLES
