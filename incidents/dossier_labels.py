"""Words of the dossier."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "dossier_unreadable": _("This file is no dossier of a release."),
    "dossier_needs_person": _("A dossier is taken by a person."),
}

#: What ended an exposure.
ENDS: dict[str, str | Promise] = {
    "flag_rolled_back": _("flag taken back"),
    "rolled_back": _("rolled back"),
    "phase_rolled_back": _("phase taken back"),
    "site_rolled_back": _("site taken back"),
    "steps_undone": _("step taken back"),
    "redrafted": _("planned anew"),
}

DECISIONS: dict[str, str | Promise] = {"approved": _("✓ approved"), "rejected": _("✕ rejected")}

SCOPES: dict[str, str | Promise] = {
    "flag": _("flags"),
    "site": _("one site"),
    "phase": _("a phase"),
    "all": _("everything"),
}
