"""An incident as somebody declares it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.models import Environment, Flag, Site
from incidents.declare_labels import SYMPTOMS
from incidents.domain.symptoms import Symptom
from incidents.domain.tiers import Tier
from incidents.transitions.declaring import MAX_TITLE_CHARACTERS

#: Asked first; everything else waits below, and is optional.
FIRST = ("title", "symptoms", "tier")


class DeclareForm(forms.Form):
    """An incident as somebody declares it on the phone: the title first, then what is known."""

    title = forms.CharField(
        label=_("What is wrong"),
        max_length=MAX_TITLE_CHARACTERS,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off", "enterkeyhint": "send"}),
    )
    symptoms = forms.MultipleChoiceField(
        label=_("What people see"),
        choices=list(SYMPTOMS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    tier = forms.ChoiceField(
        label=_("How grave"),
        choices=[
            ("", _("As proposed")),
            (str(Tier.CRITICAL), _("Critical, 1 h")),
            (str(Tier.IMPORTANT), _("Important, 4 h")),
            (str(Tier.MINOR), _("Minor, 24 h")),
        ],
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("What is known"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    sites = forms.ModelMultipleChoiceField(
        Site.objects.all(), label=_("Sites"), required=False, widget=forms.CheckboxSelectMultiple
    )
    flag = forms.ModelChoiceField(
        Flag.objects.filter(archived_at=None),
        label=_("Suspected feature"),
        required=False,
        empty_label=_("none in particular"),
    )
    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), required=False, empty_label=None
    )
    detected_at = forms.DateTimeField(
        label=_("Noticed at"),
        required=False,
        help_text=_("Empty: now. The clock runs from here."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )
    complaint = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    @property
    def later(self) -> list[Any]:
        """What waits below."""
        return [field for field in self.visible_fields() if field.name not in FIRST]

    @property
    def has_later_errors(self) -> bool:
        return any(field.errors for field in self.later)

    def list_places(self) -> list[str]:
        """Return the names of the sites that are picked so far, also those that the form came with."""
        picked = {str(one) for one in self["sites"].value() or []}
        return [str(label) for value, label in self.fields["sites"].choices if str(value) in picked]  # type: ignore[attr-defined]  # a field of choices

    def read_symptoms(self) -> list[Symptom]:
        """Return the signs that are picked so far, also of a form that is not whole yet."""
        picked = self.data.getlist("symptoms") if hasattr(self.data, "getlist") else []
        return [Symptom(one) for one in picked if one in set(Symptom)]
