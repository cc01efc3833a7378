from django.apps import AppConfig

from core.labels import REFUSALS
from core.naming import name_records
from flags import labels, names
from notifications.flag_names import offer_names
from notifications.places import offer_places


class FlagsConfig(AppConfig):
    name = "flags"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from flags.due_sources import register_sources  # noqa: PLC0415  # models are there by now only

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        from flags.queries import (  # noqa: PLC0415  # models are there by now only
            get_flag_names,
            list_environment_choices,
            list_site_choices,
        )

        offer_places(environments=list_environment_choices, sites=list_site_choices)
        offer_names(get_flag_names)
        register_sources()
