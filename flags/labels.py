"""Words of flags."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "flag_unknown": _("There is no such flag here."),
    "variant_unknown": _("The flag has no variant %(variant)s."),
    "values_wrong": _("Some values are wrong: %(fields)s"),
    "key_taken": _("This key is taken; choose another."),
    "token_unknown": _("There is no such token."),
    "environment_unknown": _("There is no such environment."),
}
