from django.apps import AppConfig

from announcements import labels, names
from core import installing
from core.labels import REFUSALS
from core.naming import name_records
from core.reasons import REASONS, VALUES
from notices import helplines


class AnnouncementsConfig(AppConfig):
    name = "announcements"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Its models are there only now.
        from announcements.due_sources import register_sources  # noqa: PLC0415  # models are there by now only
        from announcements.facts import read_helpline  # noqa: PLC0415  # models are there by now only
        from announcements.incident_outlet import INCIDENT  # noqa: PLC0415  # models are there by now only
        from announcements.outlets import register  # noqa: PLC0415  # models are there by now only
        from announcements.people_outlet import PEOPLE  # noqa: PLC0415  # models are there by now only
        from announcements.till_outlet import TILL  # noqa: PLC0415  # models are there by now only
        from announcements.transitions.templating import (  # noqa: PLC0415  # models are there by now only
            install_templates,
        )
        from announcements.users_outlet import USERS  # noqa: PLC0415  # models are there by now only

        name_records(self, names.NAMES)
        REFUSALS.update(labels.REFUSALS)
        REASONS.update(labels.REASONS)
        VALUES["refusal"] = labels.REFUSED_AT_TIME
        VALUES["language"] = labels.LANGUAGES
        for outlet in (PEOPLE, INCIDENT, TILL, USERS):
            register(outlet)
        register_sources()
        helplines.register(read_helpline)
        installing.register(install_templates)
