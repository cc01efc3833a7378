"""The page that imports a file: shown as a difference first, written at the press of another button."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.domain.yaml_reading import MOST_BYTES
from core.errors import Refusal
from core.filing import DRY_RUN, Import
from core.labels import say_refusal
from core.views import actor_of


class ImportForm(forms.Form):
    """A file's text: the browser reads one into the field, or somebody pastes it."""

    text = forms.CharField(
        label=gettext_lazy("The file"),
        max_length=MOST_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "autocomplete": "off", "class": "code"}),
    )


#: Does an import, or with `is_dry_run` says what it would do.
Write = Callable[..., Import[Any]]


def answer_import(
    request: HttpRequest,
    form: ImportForm,
    write: Write,
    *,
    then: str,
    template: str,
    context: Mapping[str, object],
) -> HttpResponse:
    """Show what a file would change; import it where it still is what somebody looked at."""
    done: Import[Any] | None = None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("do") != "check":
                _import(request, form, write)
                messages.success(request, _("Imported."))
                return redirect(then)
        except Refusal as refusal:
            form.add_error(None, say_refusal(refusal))
        done = _try(request, form, write)
    shown = {"form": form, "done": done, "reason": request.POST.get("reason", "")}
    return render(request, template, shown | dict(context), status=400 if form.errors else 200)


def _import(request: HttpRequest, form: ImportForm, write: Write) -> None:
    write(
        source=form.cleaned_data["text"],
        actor=actor_of(request),
        reason=request.POST.get("reason", ""),
        now=clock.now(),
        seen=request.POST.get("seen", ""),
    )


def _try(request: HttpRequest, form: ImportForm, write: Write) -> Import[Any] | None:
    """Return what an import would do now; None, with its refusal beside the form, where it would be refused."""
    try:
        return write(
            source=form.cleaned_data["text"],
            actor=actor_of(request),
            reason=DRY_RUN,
            now=clock.now(),
            is_dry_run=True,
        )
    except Refusal as refusal:
        words = say_refusal(refusal)
        if words not in form.non_field_errors():
            form.add_error(None, words)
    return None


def answer_file(text: str, *, name: str) -> HttpResponse:
    """Answer a YAML file to be kept."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
    return HttpResponse(text, content_type="application/yaml; charset=utf-8", headers=headers)
