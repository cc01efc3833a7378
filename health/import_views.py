"""The page that imports complaints: a file is looked at first, and written at the press of another button."""

import hashlib
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.errors import InvalidInput, Refusal
from core.labels import say_refusal
from core.roles import Capability, requires
from core.uploads import takes_file
from core.views import actor_of
from flags.current import get_current_environment
from flags.models import Environment
from health.domain.complaint_file import COLUMNS, MOST_BYTES, MOST_LINES
from health.import_labels import say_fault
from health.importing import Imported, import_complaints, preview_import, read_text

#: Lines that the preview shows.
SHOWN = 20


class ComplaintImportForm(forms.Form):
    """A file, or its lines as they stand in the field: what was looked at is what is imported."""

    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}),
    )
    text = forms.CharField(
        label=_("Or its lines, pasted"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off", "class": "code"}),
    )


@takes_file(most_bytes=MOST_BYTES)
@requires(Capability.LOG_COMPLAINTS)
def import_file(request: HttpRequest) -> HttpResponse:
    """Say what a file brings; import it where it still is what somebody looked at."""
    environment = get_current_environment(request)
    form = ComplaintImportForm()
    found: Imported | None = None
    if request.method == "POST":
        form, text = _read(request)
        if form.is_valid() and text is not None:
            wants = request.POST.get("do") == "import" and "file" not in request.FILES
            is_seen = wants and request.POST.get("seen") == _hash(text)
            found = _do(request, form, environment, text, is_seen=is_seen)
            if found is not None and is_seen and not form.errors:
                messages.success(request, _say_done(found))
                return redirect("health:complaints")
    context: dict[str, Any] = {
        "form": form,
        "found": found,
        "shown": found.lines[:SHOWN] if found else (),
        "more": max(len(found.lines) - SHOWN, 0) if found else 0,
        "faults": [say_fault(fault) for fault in found.faults] if found else (),
        "seen": _hash(str(form.data.get("text", ""))),
        "columns": COLUMNS,
        "most": MOST_LINES,
        "place": environment.name if environment else "—",
    }
    is_wrong = bool(form.errors) or bool(context["faults"])
    return render(request, "health/import.html", context, status=400 if is_wrong else 200)


def _read(request: HttpRequest) -> tuple[ComplaintImportForm, str | None]:
    """Return the form with the lines that were sent, and these; None, with words beside the field, of no text."""
    uploaded = request.FILES.get("file")
    sent = request.POST.get("text", "") if uploaded is None else uploaded.read()
    try:
        text = read_text(sent).replace("\r\n", "\n")
    except InvalidInput as refusal:
        form = ComplaintImportForm({"text": ""})
        form.add_error("file", say_refusal(refusal))
        return form, None
    return ComplaintImportForm({"text": text}), text


def _do(
    request: HttpRequest, form: ComplaintImportForm, environment: Environment | None, text: str, *, is_seen: bool
) -> Imported | None:
    """Import what was seen, else look at it; None, with words above the form, where it is refused."""
    try:
        if environment is None:
            raise InvalidInput("environment_unknown")
        given: dict[str, Any] = {"source": text, "environment_id": environment.pk, "now": clock.now()}
        found = preview_import(**given)
        if is_seen and not found.faults:
            return import_complaints(**given, actor=actor_of(request))
        if not found.lines and not found.known and not found.faults:
            raise InvalidInput("import_empty")
    except Refusal as refusal:
        form.add_error(None, say_refusal(refusal))
        return None
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.replace("\r\n", "\n").encode(errors="surrogatepass")).hexdigest()


def _say_done(found: Imported) -> str:
    count = len(found.lines)
    return ngettext("%(n)s complaint imported.", "%(n)s complaints imported.", count) % {"n": count}


@requires(Capability.LOG_COMPLAINTS)
def give_template(request: HttpRequest) -> HttpResponse:
    """Answer an empty file with the columns, as a spreadsheet of the reader's language separates them."""
    separator = ";" if (get_language() or "").startswith("fr") else ","
    headers = {"Content-Disposition": 'attachment; filename="complaints.csv"'}
    return HttpResponse(f"\ufeff{separator.join(COLUMNS)}\r\n", content_type="text/csv; charset=utf-8", headers=headers)
