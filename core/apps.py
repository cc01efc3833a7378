from django.apps import AppConfig

from core import names
from core.naming import name_records


class CoreConfig(AppConfig):
    name = "core"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        name_records(self, names.NAMES)
