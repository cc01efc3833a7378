"""Words of health."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

REFUSALS: dict[str, str | Promise] = {
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
    "guardrail_unknown": _("There is no such guardrail, or it has no such mode."),
    "threshold_wrong": _("The limit lies between %(least)s and %(most)s %%."),
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
    "error_rate": _(
        "%(k)s errors in %(n)s requests of %(minutes)s minutes: surely at least %(bound)s %%, more than %(limit)s %%."
    ),
    "error_rate_everywhere": _(
        "%(k)s errors in %(n)s requests of %(minutes)s minutes: surely at least %(bound)s %%, more than %(limit)s %%, "
        "and so where it is off: a rollback may not help."
    ),
    "error_rate_suspected": _(
        "%(k)s errors in %(n)s requests of %(minutes)s minutes: above %(limit)s %%, to be confirmed with new data."
    ),
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
}

LANES: dict[str, str | Promise] = {"critical": _("Critical errors"), "error_rate": _("Error rate")}


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
        "limit": _percent(data.get("threshold_bp")),
        "bound": _percent(bound_bp),
    }
    said = str(words) % numbers
    if baseline_bp is None:
        return said
    baseline = gettext("Where it is off: %(rate)s %%.") % {"rate": _percent(baseline_bp)}
    return f"{said} {baseline}"


def _percent(basis_points: int | None) -> str:
    return "?" if basis_points is None else str(floatformat(basis_points / 100, "-1"))
