"""Words of guardrails: why they acted, what they hold with, what the story says."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REASONS: dict[str, str] = {
    "critical_errors": gettext_noop(
        "%(k)s critical errors in %(n)s requests, from at least two tills within ten minutes."
    ),
    "integrity_error": gettext_noop("Data was lost or wrong: one such report is enough."),
    # How it was said while it was judged by windows: records keep it.
    "error_rate_in_windows": gettext_noop(
        "%(k)s errors in %(n)s requests within %(minutes)s minutes: surely more than %(threshold)s"
    ),
    "error_rate_everywhere_in_windows": gettext_noop(
        "%(k)s errors in %(n)s requests within %(minutes)s minutes, surely more than %(threshold)s, and so without it"
    ),
    "error_rate": gettext_noop("%(k)s errors in %(n)s requests: %(odds)s to 1 that more than %(threshold)s fail"),
    "error_rate_everywhere": gettext_noop(
        "%(k)s errors in %(n)s requests: %(odds)s to 1 that more than %(threshold)s fail, and so without it"
    ),
    "performance": gettext_noop(
        "%(k)s of %(n)s requests slow: %(odds)s to 1 that p95 is worse than usual by more than %(threshold)s"
    ),
    "performance_everywhere": gettext_noop(
        "%(k)s of %(n)s requests slow: %(odds)s to 1 that p95 is worse by more than %(threshold)s, and so without it"
    ),
    "alert_firing": gettext_noop("Alert of the monitoring: %(alerts)s"),
    "query_limit": gettext_noop("The query %(query)s says %(value)s, %(threshold)s for %(seconds)s s"),
    "held_again": gettext_noop("Held for the %(times)s. time within a day: it comes and goes"),
}

HELD: dict[str, str | Promise] = {
    "error_rate": _("Too many requests fail where these are on. Find out why, then resume or roll back."),
    "error_rate_everywhere": _(
        "Too many requests fail, also where these are off: a rollback may not help. Find the cause first."
    ),
    "performance": _("Requests are too slow where these are on. Find out why, then resume or roll back."),
    "alert_firing": _("An alert of the monitoring fires where these are on. Find out why, then resume or roll back."),
    "query_limit": _("What a query of your own says is beyond its limit. Find out why, then resume or roll back."),
    "performance_everywhere": _(
        "Requests are too slow, also where these are off: a rollback may not help. Find the cause first."
    ),
}

EVENTS: dict[str, str | Promise] = {
    "guardrail_observed": _("Observed only, nothing was done: %(flags)s"),
    "guardrail_cooling": _("It breaches again so soon after a hold that nothing was done: %(flags)s"),
    "guardrail_investigate": _("To be investigated: %(flags)s"),
    "guardrail_changed": _("Guardrail set for %(phase)s. %(lane)s: %(was)s → %(then)s"),
    "guardrail_loosened": _("Guardrail loosened for %(phase)s. %(lane)s: %(was)s → %(then)s"),
}

#: Their data may lack a word.
SHORT_EVENTS: dict[str, str | Promise] = {
    "guardrail_observed": _("Observed only, nothing was done"),
    "guardrail_cooling": _("It breaches again so soon after a hold that nothing was done"),
    "guardrail_investigate": _("To be investigated"),
}

REFUSALS: dict[str, str | Promise] = {
    "phase_ended": _("This phase is over: its guardrails stay as they were."),
    "guardrail_as_it_is": _("It is set so already."),
    "guardrail_is_approved": _(
        "Others approved this plan for %(environment)s as it is: looser needs their approval. Plan it anew."
    ),
}

#: Who says how a guardrail is set.
ORIGINS: dict[str, str | Promise] = {
    "phase": _("from this phase"),
    "flag": _("from the flag"),
    "environment": _("from the environment"),
    "default": _("as it comes"),
}
#: What of a guardrail can be set.
PARTS: dict[str, str | Promise] = {"mode": _("mode"), "limit": _("limit"), "scope": _("what goes off")}
