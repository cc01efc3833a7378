"""Words of health."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

REFUSALS: dict[str, str | Promise] = {
    "complaint_empty": _("Say what happened: the text is empty."),
    "complaint_too_long": _("The text may have at most %(limit)s characters."),
    "complaint_unreadable": _("The text holds characters that cannot be stored."),
    "complaint_has_duplicates": _("Other complaints are marked as repeating this one: it stays."),
    "complaint_unknown": _("There is no such complaint."),
    "original_unknown": _("Name another complaint that still counts as the original."),
    "reporter_too_long": _("The name may have at most %(limit)s characters."),
    "severity_unknown": _("Choose how bad it is from the list."),
    "site_unknown": _("There is no such site."),
    "mark_unknown": _("Say whether it repeats another complaint or is none at all."),
}

#: What health writes to history on its own (core.reasons).
REASONS: dict[str, str] = {
    "complaint_logged": gettext_noop("Complaint logged"),
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
}


def say_judgement(*, code: str, n: int, k: int) -> str:
    """Return what a verdict's code and numbers mean, in the language in force."""
    words = SENTENCES.get(code)
    return code if words is None else str(words) % {"n": n, "k": k}
