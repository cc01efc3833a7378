from django.apps import AppConfig

from core import file_labels, names
from core.labels import REFUSALS
from core.naming import name_records


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        name_records(self, names.NAMES)
        REFUSALS.update(file_labels.REFUSALS)
