from django.apps import AppConfig
from django.utils.translation import gettext_noop

from core.reasons import REASONS

#: What the demo writes to history on its own (core.reasons).
DEMO_REASONS: dict[str, str] = {
    "demo_loaded": gettext_noop("The demo is loaded"),
    "rehearsal_again": gettext_noop("The rehearsal begins again"),
    "goes_out": gettext_noop("Release %(release)s goes to the shops"),
    "rehearsal_of": gettext_noop("Rehearsal of %(release)s"),
    "covered_by_plan": gettext_noop("Covered by the plan: pilots first, then one site a day"),
}


class PortalConfig(AppConfig):
    name = "releaseportal"

    def ready(self) -> None:
        REASONS.update(DEMO_REASONS)
