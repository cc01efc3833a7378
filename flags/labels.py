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
    "rule_unclear": _("Choose where, for whom and which variant."),
    "segment_unknown": _("There is no such segment."),
    "site_unknown": _("There is no such site."),
    "flag_archived": _("The flag %(flag)s is archived: restore it first."),
    "flag_in_use": _("The flag is still in use (%(uses)s): switch it off there first, or end the rollout."),
    "rule_of_rollout": _("A rollout laid this rule: pause or roll back the rollout instead."),
    "segment_in_use": _("The segment is still in use (%(uses)s)."),
    "member_twice": _("%(key)s is in this segment already."),
    "time_zone_unknown": _("There is no time zone %(zone)s."),
}

#: What a history row's type means, before the words of the thing.
HISTORY_SIGNS = {"+": "+", "~": "~", "-": "−"}

STATES: dict[str, str | Promise] = {
    "on": _("on"),
    "off": _("off"),
    "killed": _("switched off"),
    "archived": _("archived"),
}

#: What a token opens.
PURPOSES: dict[str, str | Promise] = {
    "server": _("server: a back end evaluates flags"),
    "client": _("client: a till or a page evaluates flags"),
    "telemetry": _("telemetry: tills report their health"),
    "manage": _("manage: scripts and CI"),
}
