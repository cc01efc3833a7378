from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS, VALUES
from incidents import (
    call_back_labels,
    dossier_labels,
    intake_labels,
    labels,
    link_labels,
    names,
    post_mortem_labels,
    report_labels,
    risk_labels,
    room_labels,
)
from rollouts import unusual


class IncidentsConfig(AppConfig):
    name = "incidents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from incidents.due_sources import register_sources  # noqa: PLC0415  # models are there by now only
        from incidents.unusual import list_troubled_days  # noqa: PLC0415  # models are there by now only

        unusual.register(list_troubled_days)
        name_records(self, names.NAMES)
        for words in (labels, link_labels, intake_labels, post_mortem_labels, call_back_labels):
            REFUSALS.update(words.REFUSALS)
            REASONS.update(words.REASONS)
        for words in (room_labels, report_labels, dossier_labels, risk_labels):
            REFUSALS.update(words.REFUSALS)
        VALUES["gaps"] = post_mortem_labels.GAPS
        register_sources()
