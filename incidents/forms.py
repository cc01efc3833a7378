"""The filters of the list of incidents."""

from django import forms
from django.utils.translation import gettext_lazy as _

from core.domain.search_terms import MOST_CHARACTERS
from flags.models import Environment, Flag, Site
from incidents.labels import STATUSES, TIERS


class IncidentFilter(forms.Form):
    """The list's filters; they live in the address."""

    q = forms.CharField(
        label=_("Words of the title"),
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "maxlength": MOST_CHARACTERS, "autocomplete": "off"}),
    )
    status = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), ("running", _("clock runs")), *STATUSES.items()], required=False
    )
    tier = forms.ChoiceField(label=_("Tier"), choices=[("", _("all")), *TIERS.items()], required=False)
    environment = forms.ModelChoiceField(
        Environment.objects.all(),
        label=_("Environment"),
        required=False,
        to_field_name="key",
        empty_label=_("all"),
    )
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )
    flag = forms.ModelChoiceField(
        Flag.objects.all(), label=_("Flag"), required=False, to_field_name="key", empty_label=_("all")
    )
    drills = forms.ChoiceField(
        label=_("Exercises"),
        choices=[("", _("all")), ("none", _("without")), ("only", _("only these"))],
        required=False,
    )
    mine = forms.BooleanField(label=_("Mine"), required=False)
