"""What release managers fill in about a guardrail that is a query of their own."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Environment
from health.guardrail_models import DEFAULT_COOL_DOWN, LONGEST_COOL_DOWN, Mode
from health.models import PrometheusSource, QueryGuardrail
from health.query_models import DEFAULT_LASTING, LONGEST_LASTING, SCOPES, QueryComparison


class QueryForm(ReasonedForm):
    """What is asked, which limit its value must keep and for how long, and what happens where it does not."""

    name = forms.CharField(label=_("Name"), max_length=100)
    source_id = forms.TypedChoiceField(label=_("Monitoring system"), coerce=int)
    query = forms.CharField(
        label=_("Query"),
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_(
            "PromQL that gives one number. Where it says {flag}, it is asked for each flag that is on, with its key "
            "there; else it judges the flag that went on last."
        ),
    )
    comparison = forms.ChoiceField(label=_("It is beyond"), choices=QueryComparison.choices)
    limit = forms.FloatField(label=_("Limit"))
    lasting_seconds = forms.IntegerField(
        label=_("For seconds"),
        min_value=0,
        max_value=LONGEST_LASTING,
        initial=DEFAULT_LASTING,
        help_text=_("It is asked each 15 seconds, and must be beyond the limit each time for so long."),
    )
    mode = forms.ChoiceField(label=_("What it does"), choices=Mode.choices, initial=Mode.OBSERVE)
    scope = forms.ChoiceField(
        label=_("What goes off in mode roll back"), choices=[(one.value, one.label) for one in SCOPES]
    )
    cool_down_minutes = forms.IntegerField(
        label=_("Minutes between two holds"),
        min_value=0,
        max_value=LONGEST_COOL_DOWN,
        initial=DEFAULT_COOL_DOWN,
        help_text=_("So long after a hold it does not hold the same flag again; it is written down all the same."),
    )
    is_active = forms.BooleanField(label=_("It is asked"), required=False, initial=True)

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sources = PrometheusSource.objects.filter(environment=environment).values_list("pk", "name")
        self.fields["source_id"].choices = list(sources)  # type: ignore[attr-defined]  # a choice field

    @property
    def values(self) -> dict[str, Any]:
        """What the guardrail's columns are to hold."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


def values_of(guardrail: QueryGuardrail) -> dict[str, Any]:
    """Return what a form for a stored guardrail begins with."""
    return {name: getattr(guardrail, name) for name in QueryForm.base_fields if name != "reason"}
