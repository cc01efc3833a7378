"""Words of procedures."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, override

REFUSALS: dict[str, str | Promise] = {
    "procedure_unknown": _("There is no such procedure."),
    "item_unknown": _("There is no such item."),
    "item_is_the_programs": _("The program has seen this itself: it is not for people to say."),
    "item_comes_with_operation": _(
        "The program looks at this itself in operation %(operation)s: it is said once that has ended."
    ),
    "item_comes_with_watch": _(
        "The program measures this itself for another %(minutes)s minutes: say it then, where it could not."
    ),
    "item_not_overridable": _("Only what is asked before can be passed over."),
    "said_by_no_person": _("A person says this: sign in."),
}

REASONS: dict[str, str] = {
    "procedure_opened": gettext_noop("Procedure opened"),
    "procedure_seen": gettext_noop("Seen by the program"),
    "procedure_figures": gettext_noop("Figures after the rollback"),
    "procedure_done": gettext_noop("Taken back"),
    "procedure_over": gettext_noop("Watch over"),
}

KINDS: dict[str, str | Promise] = {
    "feature": _("feature by feature"),
    "immediate": _("immediate: application"),
    "database": _("database"),
}

STAGES: dict[str, str | Promise] = {
    "criterion": _("Why: the criteria that people weigh"),
    "before": _("Before"),
    "after": _("After"),
}

ITEMS: dict[str, str | Promise] = {
    "business_impact": _("Impact on the shops: what it costs them"),
    "data_integrity": _("Integrity of the data: nothing is lost or wrong"),
    "security": _("Security: nobody can see or do what they must not"),
    "root_cause": _("The root cause is known"),
    "recent_backup": _("A recent backup is verified"),
    "image_present": _("The image to go back to is there"),
    "users_told": _("Those who are affected were told"),
    "tried_before": _("The procedure was tried: a drill passed"),
    "flags_off": _("The tills have the flags off"),
    "till_works": _("The till’s screen works"),
    "end_to_end": _("A sale works from end to end"),
    "data_sound": _("The data are sound"),
    "metrics_back": _("The figures are back within their limits"),
}

STATES: dict[str, str | Promise] = {
    "open": _("○ open"),
    "met": _("✓ yes"),
    "failed": _("▲ no"),
    "overridden": _("⤼ passed over"),
}
#: Of an item that is answered in words.
STATES_IN_WORDS: dict[str, str | Promise] = {"open": _("○ open"), "met": _("✓ answered")}
STATE_TONES: dict[str, str] = {"open": "plain", "met": "ok", "failed": "bad", "overridden": "warn"}

VERDICTS: dict[str, str | Promise] = {
    "back": _("✓ back within their limits"),
    "never_out": _("○ never outside their limits"),
    "not_back": _("▲ not back: it did not help enough"),
    "unknown": _("○ too little was reported to say"),
    "not_done": _("◷ nothing was taken back so far"),
}
VERDICT_TONES: dict[str, str] = {
    "back": "ok",
    "not_back": "bad",
    "unknown": "plain",
    "never_out": "plain",
    "not_done": "plain",
}

#: What a person may say of an item.
SAID = frozenset({"met", "failed", "overridden"})


def write_statement(code: str) -> str:
    """Return an item's statement in English, as history keeps it where a yes came without a note."""
    with override("en"):
        return str(ITEMS[code])
