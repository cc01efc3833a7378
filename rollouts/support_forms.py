"""What is filled in for the duty roster."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import DayField
from core.history import MAX_REASON_CHARACTERS
from flags.models import Site

#: A number that can be dialled, however it is grouped.
PHONE = r"^(?=.{6,20}$)[+(]?[0-9][0-9 ().\-+]*[0-9]$"


class ShiftForm(forms.Form):
    """A person on duty, from the first day to the last."""

    name = forms.CharField(label=_("Who is on duty"), max_length=100)
    phone = forms.RegexField(
        PHONE,
        label=_("Phone"),
        max_length=40,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
        error_messages={"invalid": _("This is no phone number: 6 to 20 digits, spaces, and + ( ) . - between them.")},
    )
    site = forms.ModelChoiceField(
        Site.objects.order_by("name"), label=_("Where"), required=False, empty_label=_("Every site")
    )
    first_on = DayField(label=_("First day"))
    last_on = DayField(label=_("Last day"), required=False, help_text=_("Empty: one day."))
    hours = forms.CharField(
        label=_("Hours"), max_length=100, required=False, help_text=_("In words, such as 8:30 to 19:00.")
    )
    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transition."""
        data = self.cleaned_data
        last_on = data["last_on"] or data["first_on"]
        return {
            "site_id": data["site"].pk if data["site"] else None,
            "starts_on": data["first_on"],
            "ends_on": last_on + timedelta(days=1),
            **{name: data[name] for name in ("name", "phone", "hours", "reason")},
        }
