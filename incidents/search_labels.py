"""Words of the search over incidents, complaints and post-mortems."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from incidents.domain.searching import Kind, Part

KINDS: dict[str, str | Promise] = {
    Kind.INCIDENT: _("Incidents"),
    Kind.POST_MORTEM: _("Post-mortems"),
    Kind.COMPLAINT: _("Complaints"),
}
KIND_OF_ONE: dict[str, str | Promise] = {
    Kind.INCIDENT: _("incident"),
    Kind.POST_MORTEM: _("post-mortem"),
    Kind.COMPLAINT: _("complaint"),
}
SIGNS: dict[str, str | Promise] = {Kind.INCIDENT: "▲", Kind.POST_MORTEM: "✎", Kind.COMPLAINT: "☎"}
#: Where the words stand.
PARTS: dict[str, str | Promise] = {
    Part.NOTE: _("timeline"),
    Part.WORD: _("public word"),
    Part.SECTIONS: _("post-mortem"),
    Part.MEASURE: pgettext_lazy("of a post-mortem", "measure"),
    Part.COMPLAINT: _("complaint"),
}
