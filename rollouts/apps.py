from django.apps import AppConfig

from core import installing
from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS, VALUES
from flags.dependants import register
from flags.labels import STANDINGS
from rollouts import approval_labels, feedback_labels, labels, names, risk_labels, template_labels


class RolloutsConfig(AppConfig):
    name = "rollouts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from rollouts.dependant import RolloutsUse  # noqa: PLC0415  # models are there by now only
        from rollouts.due_sources import register_sources  # noqa: PLC0415  # models are there by now only
        from rollouts.transitions.installing_risks import install_risks  # noqa: PLC0415  # models are there by now only
        from rollouts.transitions.templating import install_built_in  # noqa: PLC0415  # models are there by now only

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REFUSALS.update(approval_labels.REFUSALS)
        REFUSALS.update(feedback_labels.REFUSALS)
        REFUSALS.update(template_labels.REFUSALS)
        REFUSALS.update(risk_labels.REFUSALS)
        REASONS.update(labels.REASONS)
        REASONS.update(risk_labels.REASONS)
        VALUES["phase"] = labels.PHASES
        VALUES["standing"] = STANDINGS
        register(RolloutsUse())
        installing.register(install_built_in)
        installing.register(install_risks)
        register_sources()
