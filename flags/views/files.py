"""Flags as files: taken along, and brought in."""

from functools import partial

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from core.import_views import ImportForm, answer_file, answer_import
from core.roles import Capability, check_can, requires
from flags.flag_files import export_flags
from flags.models import Environment, Flag
from flags.transitions.importing import import_flags


class FlagImportForm(ImportForm):
    """A file of flags, and where its rules count."""

    environments = forms.ModelMultipleChoiceField(
        Environment.objects.all(),
        label=_("On or off, and rules, in"),
        required=False,
        to_field_name="key",
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: only what flags say of themselves."),
    )


@requires(Capability.VIEW)
def export_one(request: HttpRequest, key: str) -> HttpResponse:
    """Answer one flag as a file."""
    flag = get_object_or_404(Flag, key=key)
    return answer_file(export_flags([flag.key]), name=flag.key)


@requires(Capability.VIEW)
def export_all(request: HttpRequest) -> HttpResponse:
    """Answer all flags in use as one file."""
    return answer_file(export_flags(), name="flags")


@requires(Capability.EDIT_FLAGS)
def import_file(request: HttpRequest) -> HttpResponse:
    """Show what a file of flags would change, then import it."""
    form = FlagImportForm(request.POST or None)
    keys = [environment.key for environment in form.cleaned_data["environments"]] if form.is_valid() else []
    if keys:
        check_can(request.user, Capability.SWITCH_FLAGS)  # type: ignore[arg-type]  # the guard refuses strangers
    return answer_import(
        request,
        form,
        partial(import_flags, environment_keys=keys),
        then="flags:list",
        template="flags/import.html",
        context={},
    )
