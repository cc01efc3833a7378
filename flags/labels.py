"""Words of flags."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
    "flag_unknown": _("There is no such flag here."),
    "variant_unknown": _("The flag has no variant %(variant)s."),
    "variant_not_typed": _("The variant %(variant)s has a value of another type than %(type)s."),
    "split_not_whole": _("The shares are of the flag's variants, each once, and together 100 %%."),
    "values_wrong": _("Some values are wrong: %(fields)s"),
    "key_taken": _("This key is taken; choose another."),
    "token_unknown": _("There is no such token."),
    "key_reserved": _("%(key)s is an address of the portal itself; choose another key."),
    "environment_unknown": _("There is no such environment."),
    "attribute_unreadable": _("“%(text)s” is not an attribute: write name=value."),
    "variable_ambiguous": _(
        "The variable %(variable)s names more than one flag: %(flags)s. Take it away, or give one of them another key."
    ),
    "variable_unclear": _("The variable %(variable)s says “%(text)s”: it may say %(choices)s."),
    "key_reads_alike": _("The key reads like that of %(other)s in the names of variables; choose another."),
    "rule_unclear": _("Choose where, for whom and which variant."),
    "segment_unknown": _("There is no such segment."),
    "site_unknown": _("There is no such site."),
    "permanent_expires": _("A flag that is kept on purpose has no day to be removed by: choose one of the two."),
    "picture_too_large": _("The picture is too large: at most %(most)s MB and 60 million pixels."),
    "picture_unreadable": _("This is no picture that can be read: choose a JPEG, PNG or WebP file."),
    "flag_archived": _("The flag %(flag)s is archived: restore it first."),
    "flag_in_use": _("The flag is still in use (%(uses)s): switch it off there first, or end the rollout."),
    "rule_of_rollout": _("A rollout laid this rule: pause or roll back the rollout instead."),
    "environments_alike": _("Choose two different environments."),
    "flag_driven": _(
        "The rollout %(rollouts)s drives the flag in %(environment)s: let it end or roll it back, then promote rules."
    ),
    "flag_file_driven": _(
        "The rollout %(rollouts)s drives the flag in %(environment)s: let it end, or roll it back first."
    ),
    "flag_file_lasting": _(
        "The flag %(flag)s has another “%(field)s”, which clients know: it stays as it is. Make a new flag for another."
    ),
    "file_day_unknown": _("Line %(line)s: there is no day %(day)s."),
    "flag_not_there": _("There is no flag %(flag)s."),
    "environment_not_there": _("There is no environment %(environment)s: choose among %(known)s."),
    "segment_not_there": _("There is no segment %(segment)s."),
    "site_not_there": _("There is no site %(site)s."),
    "rule_gives_twice": _("A rule gives a variant or a split, not both."),
    "condition_wrong": _("A condition cannot be asked like that (%(part)s)."),
    "segment_in_use": _("The segment is still in use (%(uses)s)."),
    "segment_bound": _(
        "%(uses)s was approved for the people of this segment as they are: nobody is added before it has ended. "
        "Take somebody out, or roll it back and plan it anew."
    ),
    "member_twice": _("%(key)s is in this segment already."),
    "site_days_reversed": _("The last day lies before the first."),
    "site_days_too_many": _("At most %(limit)s days at once: a longer closing belongs in the weekdays."),
    "site_days_overlap": _("“%(label)s” (%(first)s to %(last)s) falls on these days too: remove it first."),
}

#: What exceptional days are.
DAY_KINDS: dict[str, str | Promise] = {
    "closed": _("closed"),
    "open": _("open in addition"),
    "no_change": _("open, nothing may change"),
    "frozen": _("frozen"),
}

#: How a site stands on a day (flags.domain.opening.Standing).
STANDINGS: dict[str, str | Promise] = {
    "open": _("open"),
    "extra_open": _("open in addition"),
    "weekly_closed": _("closed"),
    "holiday": _("closed: public holiday"),
    "closed": _("closed"),
    "no_change": _("open, nothing may change"),
    "frozen": _("frozen"),
}

#: Why a promotion skips days.
SKIPS: dict[str, str | Promise] = {
    "closed": _("closed"),
    "no_change": _("nothing may change"),
    "frozen": _("freeze"),
    "holiday": _("public holiday"),
}

#: What a history row's type means, before the words of the thing.
HISTORY_SIGNS = {"+": "+", "~": "~", "-": "−"}
FLAG_CHANGES: dict[str, str | Promise] = {
    "+": _("flag made"),
    "~": _("flag changed"),
    "-": _("flag deleted"),
}

STATES: dict[str, str | Promise] = {
    "on": _("on"),
    "off": _("off"),
    "killed": _("switched off"),
    "archived": _("archived"),
}

#: What becomes of a rule by a promotion (flags.domain.promotion.Sign).
PROMOTION_SIGNS: dict[str, str | Promise] = {
    "added": _("added"),
    "removed": _("removed"),
    "kept": _("stays"),
    "moved": _("stays, asked later"),
}

#: Where a flag stands in its life (flags.domain.life.Stage).
STAGES: dict[str, str | Promise] = {
    "created": _("not used yet"),
    "in_use": _("in use"),
    "fully_out": _("fully out"),
    "stale": _("to be removed"),
    "archived": _("archived"),
}

#: What a token opens.
PURPOSES: dict[str, str | Promise] = {
    "server": _("server: a back end evaluates flags"),
    "client": _("client: a till or a page evaluates flags"),
    "telemetry": _("telemetry: tills report their health"),
    "manage": _("manage: scripts and CI"),
}

#: What types of values are called.
VALUE_TYPES: dict[str, str | Promise] = {
    "boolean": _("yes or no"),
    "string": _("text"),
    "integer": _("whole number"),
    "float": _("number"),
    "object": _("object (JSON)"),
}

#: Operators (flags.domain.conditions.Operator) between an attribute and a value, plain and negated.
OPERATORS: dict[str, str | Promise] = {
    "equals": _("is"),
    "not equals": _("is not"),
    "one_of": _("is one of"),
    "not one_of": _("is none of"),
    "less": _("is less than"),
    "not less": _("is not less than"),
    "at_most": _("is at most"),
    "not at_most": _("is not at most"),
    "more": _("is more than"),
    "not more": _("is not more than"),
    "at_least": _("is at least"),
    "not at_least": _("is not at least"),
    "starts_with": _("starts with"),
    "not starts_with": _("does not start with"),
    "ends_with": _("ends with"),
    "not ends_with": _("does not end with"),
    "contains": _("contains"),
    "not contains": _("does not contain"),
    "version_is": _("is the version"),
    "not version_is": _("is not the version"),
    "version_before": _("is a version before"),
    "not version_before": _("is no version before"),
    "version_at_most": _("is at most the version"),
    "not version_at_most": _("is not at most the version"),
    "version_after": _("is a version after"),
    "not version_after": _("is no version after"),
    "version_at_least": _("is at least the version"),
    "not version_at_least": _("is not at least the version"),
    "version_same_minor": _("is a version of the same minor line as"),
    "not version_same_minor": _("is no version of the same minor line as"),
    "version_same_major": _("is a version of the same major line as"),
    "not version_same_major": _("is no version of the same major line as"),
}

#: As what a condition's value is typed, and what is said where it is not.
CONDITION_TYPES: dict[str, str | Promise] = {
    "text": _("Text"),
    "number": _("Number"),
    "boolean": _("Yes or no"),
    "version": _("Version"),
}
CONDITION_FAULTS: dict[str, str | Promise] = {
    "attribute": _("Letters, digits, dash and underscore, as the program sends it; a letter first."),
    "text": _("A text of at most 200 characters; several with commas."),
    "number": _("A number; several with commas, their decimals with a point."),
    "boolean": _("true or false."),
    "version": _("A version, e.g. 1.3.0."),
}

#: What decided a value (flags.domain.evaluation.Layer).
LAYERS: dict[str, str | Promise] = {
    "variable": _("an environment variable"),
    "kill_switch": _("the kill switch"),
    "off": _("the flag is off in this environment"),
    "rule": _("a rule"),
    "default": _("no rule fits: the default"),
}

#: Why a rule fits or does not (flags.domain.explanation.Why).
WHYS: dict[str, str | Promise] = {
    "for_everyone": _("it is for everyone"),
    "named": _("the segment names this person"),
    "not_named": _("the segment does not name this person"),
    "at_site": _("it is for this site"),
    "not_at_site": _("it is for another site"),
    "conditions_hold": _("all its conditions hold"),
    "conditions_fail": _("not all its conditions hold"),
}

#: What is said where a variant's value is not of the flag's type.
VALUE_FAULTS: dict[str, str | Promise] = {
    "boolean": _("true or false."),
    "string": _("A text."),
    "integer": _("A whole number, e.g. 3."),
    "float": _("A number, e.g. 0.5."),
    "object": _('An object in JSON, e.g. {"columns": 3}.'),
}
