from django.apps import AppConfig

from core import installing
from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS
from statuspage import labels, names


class StatusPageConfig(AppConfig):
    name = "statuspage"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from announcements.outlets import register  # noqa: PLC0415  # models are there by now only
        from statuspage.installing import install_all  # noqa: PLC0415  # models are there by now only
        from statuspage.outlet import STATUS_PAGE  # noqa: PLC0415  # models are there by now only

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
        installing.register(install_all)
        register(STATUS_PAGE)
