from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS, VALUES
from flags.dependants import register
from flags.labels import STANDINGS
from rollouts import labels, names


class RolloutsConfig(AppConfig):
    name = "rollouts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from rollouts.dependant import RolloutsUse  # noqa: PLC0415

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
        VALUES["phase"] = labels.PHASES
        VALUES["standing"] = STANDINGS
        register(RolloutsUse())
