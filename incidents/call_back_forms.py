"""The filters of the list of calls; they live in the address."""

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.models import Site


class CallFilter(forms.Form):
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )
    incident = forms.IntegerField(label=_("Incident"), min_value=1, max_value=999_999_999, required=False)
