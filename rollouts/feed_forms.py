"""What is filled in for a calendar feed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.models import Environment
from rollouts.transitions.feeding import LONGEST_NAME


class FeedForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=LONGEST_NAME, help_text=_("As it will be called in your calendar program.")
    )
    environment = forms.ModelChoiceField(
        Environment.objects.order_by("position", "key"),
        label=_("Environment"),
        to_field_name="key",
        required=False,
        empty_label=_("Every environment"),
    )

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transition."""
        environment = self.cleaned_data["environment"]
        return {"name": self.cleaned_data["name"], "environment_id": environment.pk if environment else None}
