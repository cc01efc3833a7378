"""Words of health."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from core.templatetags.portal import moment as say_moment
from health import query_labels
from health.domain.query_lane import kind_of

#: How bad a complaint is.
SEVERITIES: dict[str, str | Promise] = {
    "blocking": _("blocks the till"),
    "annoying": _("annoying"),
    "cosmetic": _("cosmetic"),
}

REFUSALS: dict[str, str | Promise] = {
    "alert_source_unknown": _("There is no such source of alerts (any more)."),
    "alert_source_alive": _("It was heard within %(hours)s h: a source that still sends would be back at once."),
    "complaint_empty": _("Say what happened: the text is empty."),
    "complaint_too_long": _("The text may have at most %(limit)s characters."),
    "complaint_unreadable": _("The text holds characters that cannot be stored."),
    "complaint_has_duplicates": _("Other complaints are marked as repeating this one: it stays."),
    "complaint_id_reused": _("%(request)s was the name of another complaint: give this one a name of its own."),
    "import_faulty": _("Nothing was imported: %(count)s lines are wrong."),
    "import_empty": _("There is no line to import."),
    "import_too_large": _("A file may have at most %(bytes)s bytes: part it in several."),
    "complaint_unknown": _("There is no such complaint."),
    "original_unknown": _("Name another complaint that still counts as the original."),
    "reporter_too_long": _("The name may have at most %(limit)s characters."),
    "severity_unknown": _("Choose how bad it is from the list."),
    "guardrail_unknown": _("There is no such guardrail, or it has no such mode or scope."),
    "guardrail_mode_wrong": _("Complaints take nothing back on their own: rolling back is a person’s decision."),
    "guardrail_without_flags": _("Complaints are counted for a whole rollout: no flag has a limit of its own."),
    "limit_a_day_wrong": _("The limit lies between %(least)s and %(most)s a day."),
    "cool_down_wrong": _("Between two holds lie at most %(most)s minutes."),
    "threshold_wrong": _("The limit lies between %(least)s and %(most)s %%."),
    "sentry_is_off": _("This integration is switched off. Connect it anew."),
    "sentry_name_wrong": _("Name the integration, with at most %(limit)s characters."),
    "sentry_secret_taken": _("Another integration has this client secret already: each needs its own."),
    "sentry_secret_wrong": _("A client secret has 16 to 200 letters, digits and signs, without spaces."),
    "sentry_unknown": _("There is no such integration."),
    "replay_lane_unknown": _("Only these can be replayed: %(lanes)s."),
    **query_labels.REFUSALS,
    "mark_unknown": _("Say whether it repeats another complaint or is none at all."),
}

#: What health writes to history on its own (core.reasons).
REASONS: dict[str, str] = {
    "complaint_logged": gettext_noop("Complaint logged"),
    "complaint_imported": gettext_noop("Complaint imported from a file"),
    "logged_as_same": gettext_noop("Logged as the same one"),
}

VERDICTS: dict[str, str | Promise] = {
    "pass": _("✓ pass"),
    "breach": _("▲ breach"),
    "inconclusive": _("… too little to judge"),
    "error": _("! could not be judged"),
}

SENTENCES: dict[str, str | Promise] = {
    "integrity_error": _("Data was lost or wrong: one such report is enough."),
    "critical_errors": _("%(k)s critical errors in %(n)s requests, from at least two tills within ten minutes."),
    "no_critical_errors": _("No critical error in %(n)s requests of the last ten minutes."),
    "some_critical_errors": _("%(k)s critical errors in %(n)s requests: not enough to judge, too many to pass."),
    "no_data": _("No data in the last ten minutes."),
    "fault": _("Judging failed; the log says why."),
    "error_rate": _("%(k)s errors in %(n)s requests since %(since)s: %(odds)s to 1 that more than %(limit)s %% fail."),
    "error_rate_everywhere": _(
        "%(k)s errors in %(n)s requests since %(since)s: %(odds)s to 1 that more than %(limit)s %% fail, "
        "and so where it is off: a rollback may not help."
    ),
    "error_rate_suspected": _(
        "%(k)s errors in %(n)s requests since %(since)s: %(odds)s to 1 that more than %(limit)s %% fail, "
        "not sure enough."
    ),
    "performance": _(
        "%(k)s of %(n)s requests slow since %(since)s: %(odds)s to 1 that p95 is more than %(limit)s %% above usual."
    ),
    "performance_everywhere": _(
        "%(k)s of %(n)s requests slow since %(since)s: %(odds)s to 1 that p95 is more than %(limit)s %% above usual, "
        "and so where it is off: a rollback may not help."
    ),
    "performance_suspected": _(
        "%(k)s of %(n)s requests slow since %(since)s: %(odds)s to 1 that p95 is more than %(limit)s %% above usual, "
        "not sure enough."
    ),
    "performance_low": _(
        "%(k)s of %(n)s requests of %(minutes)s minutes slow: p95 is surely less than %(limit)s %% above usual."
    ),
    "performance_unsure": _(
        "%(k)s of %(n)s requests of %(minutes)s minutes slow: p95 is not surely less than %(limit)s %% above usual."
    ),
    "no_baseline": _("What is usual is not known: no four weeks with two thousand requests for this weekday and hour."),
    "error_rate_low": _(
        "%(k)s errors in %(n)s requests of %(minutes)s minutes: surely below %(bound)s %%; the limit is %(limit)s %%."
    ),
    "error_rate_unsure": _(
        "%(k)s errors in %(n)s requests of %(minutes)s minutes: perhaps up to %(bound)s %%, "
        "not surely below %(limit)s %%."
    ),
    "too_few_requests": _("%(n)s requests in %(minutes)s minutes: too few to say that fewer than %(limit)s %% fail."),
    "no_requests": _("No request reported in %(minutes)s minutes."),
    "source_silent": _("No till has reported for six minutes: what came before says nothing of now."),
    "alert_firing": _("Fires now: %(alerts)s."),
    "alert_still_firing": _(
        "Fires since before this feature was on here, or since before somebody resumed: %(alerts)s."
    ),
    "alert_without_data": _("The monitoring could not ask its own data: %(alerts)s."),
    "no_alert_firing": _("No alert fires, and the monitoring is alive."),
    "no_alert_source": _("No monitoring system has sent anything yet: nobody would say so if something were wrong."),
    "alerts_left_out": _("Within the hour not every alert came through: one that did not may fire."),
    "complaint_limit": _("%(n)s complaints on one day, more than %(most)s."),
    "pilots_one_flag": _("%(n)s different people complain of it on one day, in a pilot of %(people)s."),
    "pilots_each_one": _("%(n)s complaints on one day, in a pilot of %(people)s."),
    **query_labels.SENTENCES,
    "alert_source_silent": _("The monitoring has been silent for too long: that nothing fires says nothing."),
}

LANES: dict[str, str | Promise] = {
    "critical": _("Critical errors"),
    "error_rate": _("Error rate"),
    "performance": _("Performance"),
    "alert": _("Alerts of the monitoring"),
    "complaints": _("Complaints"),
    "query": _("Query of your own"),
}

#: What a lane did on a breach.
ACTS: dict[str, str | Promise] = {
    "observed": _("◉ observed only"),
    "investigate": _("? to be investigated"),
    "held": _("❚❚ held"),
    "rolled_back": _("↩ rolled back"),
    "cooling": _("… left alone: it has just held"),
}


def say_judgement(
    *,
    code: str,
    n: int,
    k: int,
    data: Mapping[str, Any],
    bound_bp: int | None = None,
    baseline_bp: int | None = None,
) -> str:
    """Return what a verdict's code and numbers mean, in the language in force."""
    words = SENTENCES.get(code)
    if words is None:
        return code
    numbers = {
        "n": n,
        "k": k,
        "minutes": data.get("minutes", ""),
        "most": data.get("limit", "?"),
        "people": data.get("people", "?"),
        "alerts": ", ".join(map(str, data.get("alerts", ()))),
        "limit": _percent(data.get("threshold_bp")),
        "bound": _percent(bound_bp),
        "odds": _count(data.get("odds")),
        "since": _say_time(data.get("since")),
        **query_labels.say_numbers(data),
    }
    said = str(words) % numbers
    if baseline_bp is None:
        return said
    baseline = gettext("Where it is off: %(rate)s %%.") % {"rate": _percent(baseline_bp)}
    return f"{said} {baseline}"


def say_lane(lane: str) -> str:
    """Return what a lane is called; the queries of one's own all the same: their sentences name them."""
    return str(LANES.get(kind_of(lane), lane))


def _count(number: object) -> str:
    return str(floatformat(number, "0g")) if isinstance(number, int) else "?"


def _say_time(moment: object) -> str:
    """Return day and time in the portal's zone, as pages say them."""
    return say_moment(datetime.fromisoformat(moment)) if isinstance(moment, str) else "?"


def _percent(basis_points: int | None) -> str:
    return "?" if basis_points is None else str(floatformat(basis_points / 100, "-1"))
