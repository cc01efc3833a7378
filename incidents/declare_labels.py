"""Words of declaring: the customer's lists of what is how grave."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: Short, for a thumb: what the customer's lists say, the gravest first.
SYMPTOMS: dict[str, str | Promise] = {
    "till_down": _("The till does not work"),
    "data_lost": _("Sales are lost"),
    "nothing_usable": _("Nothing can be used"),
    "slow": _("Much slower than usual"),
    "secondary_out": _("A side feature fails"),
    "majority_hit": _("Most people are hit"),
    "cosmetic": _("It looks wrong"),
    "small_ux": _("A small nuisance"),
    "degraded": _("Less good, work goes on"),
}
