"""Words of an import: what is wrong in a line of a file, and how to mend it."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from health.domain.complaint_file import COLUMNS, MOST_LINES, NEEDED, Fault
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS

FAULTS: dict[str, str | Promise] = {
    "column_unknown": gettext_lazy("There is no column “%(value)s”. The columns are: %(columns)s."),
    "column_twice": gettext_lazy("The column “%(value)s” stands there twice: leave one out."),
    "column_missing": gettext_lazy("The column “%(value)s” is missing. These must be there: %(needed)s."),
    "no_csv": gettext_lazy("The quotes do not match: a text that holds a quote doubles it."),
    "too_many_lines": gettext_lazy("More than %(lines)s lines: part the file in several."),
    "too_many_cells": gettext_lazy("More cells than columns: put a text that holds the separator in quotes."),
    "unreadable": gettext_lazy("There are characters that cannot be read: save the file as CSV UTF-8."),
    "text_missing": gettext_lazy("Say what happened: the text is empty."),
    "text_too_long": gettext_lazy("The text may have at most %(text)s characters."),
    "reporter_too_long": gettext_lazy("The name may have at most %(reporter)s characters."),
    "site_unknown": gettext_lazy("There is no site “%(value)s”: write its name or its key as under Sites."),
    "flag_unknown": gettext_lazy("No flag in use is “%(value)s”: write its name or its key, or leave the cell empty."),
    "severity_unknown": gettext_lazy(
        "“%(value)s” is no severity: write blocking, annoying or cosmetic, or leave the cell empty."
    ),
    "moment_wrong": gettext_lazy("“%(value)s” is no moment: write it as 2026-11-24 09:12 or 24/11/2026 09:12."),
    "moment_ahead": gettext_lazy("“%(value)s” has not come yet: a complaint is of now or of before."),
}


def say_fault(fault: Fault) -> str:
    """Return what is wrong on which line, and what to do, in the language in force."""
    words = str(FAULTS[fault.code]) % {
        "value": fault.value[:100],
        "columns": ", ".join(COLUMNS),
        "needed": ", ".join(NEEDED),
        "lines": MOST_LINES,
        "text": MAX_TEXT_CHARACTERS,
        "reporter": MAX_REPORTER_CHARACTERS,
    }
    return _("Line %(line)s: %(words)s") % {"line": fault.number, "words": words}
