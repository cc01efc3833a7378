"""A known risk that came true with an incident."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from incidents.models import Incident
from incidents.risk_queries import list_offered
from rollouts.models import Risk


class CaseForm(ReasonedForm):
    """Which risk it is a case of, and why."""

    risk = forms.ModelChoiceField(Risk.objects.none(), label=_("Known risk"), empty_label=None)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["risk"].queryset = list_offered(incident)  # type: ignore[attr-defined]  # a field of rows
