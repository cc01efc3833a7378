from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS
from procedures import labels, names


class ProceduresConfig(AppConfig):
    name = "procedures"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from procedures.due_sources import register_sources  # noqa: PLC0415  # models are there by now only

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
        register_sources()
