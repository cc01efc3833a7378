"""What release managers fill in about a monitoring system."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from health.models import PrometheusSource
from health.source_models import LEAST_TIMEOUT, MOST_TIMEOUT, SourceAuth

#: What OpenTelemetry's metrics are called in Prometheus.
DURATION = "http_server_request_duration_seconds"


def _label(label: Any, **given: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=100, **given)


def _query(label: Any, initial: str, **given: Any) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
    return forms.CharField(label=label, max_length=1_000, initial=initial, widget=widget, **given)


class SourceForm(ReasonedForm):
    """Where a source is, how it is asked, and which labels say where a request was."""

    name = forms.CharField(label=_("Name"), max_length=100)
    url = forms.CharField(
        label=_("Address"),
        max_length=300,
        help_text=_("Of Prometheus, Thanos or Mimir, up to what comes before /api/v1, e.g. http://prometheus:9090"),
    )
    auth = forms.ChoiceField(label=_("How it is signed in to"), choices=SourceAuth.choices, initial=SourceAuth.NONE)
    username = forms.CharField(label=_("User name"), max_length=100, required=False)
    secret = forms.CharField(
        label=_("Token or password"),
        max_length=1_000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Stored sealed and never shown again. Left empty, the one that is stored stays."),
    )
    tenant = forms.CharField(
        label=_("Tenant"), max_length=150, required=False, help_text=_("Sent as X-Scope-OrgID; Mimir asks for one.")
    )
    requests_query = _query(
        _("Counter of requests"),
        f"{DURATION}_count",
        help_text=_("A counter with its labels, not an expression: the portal compares its scrapes itself."),
    )
    errors_query = _query(
        _("Counter of failed requests"),
        f'{DURATION}_count{{http_response_status_code=~"5.."}}',
        help_text=_("Failures of the service; wrong input is none."),
    )
    latency_query = _query(
        _("Buckets of durations"), f"{DURATION}_bucket", required=False, help_text=_("Empty: durations are not read.")
    )
    site_label = _label(_("Label of the site"), initial="site", help_text=_("Its values are keys of sites."))
    flag_label = _label(
        _("Label of the flag"),
        initial="flag",
        required=False,
        help_text=_("Requests while that flag was on. Without it, a series stands for all of the till's requests."),
    )
    till_label = _label(_("Label of the till"), initial="till", required=False)
    transaction_label = _label(_("Label of the transaction"), initial="http_route", required=False)
    interval_seconds = forms.TypedChoiceField(
        label=_("Asked every"),
        coerce=int,
        choices=[
            (15, _("15 seconds")),
            (30, _("30 seconds")),
            (60, _("60 seconds")),
            (120, _("2 minutes")),
            (300, _("5 minutes")),
        ],
        initial=60,
    )
    timeout_seconds = forms.IntegerField(
        label=_("Given up after seconds"), min_value=LEAST_TIMEOUT, max_value=MOST_TIMEOUT, initial=5
    )
    is_active = forms.BooleanField(label=_("It is asked"), required=False, initial=True)

    @property
    def values(self) -> dict[str, Any]:
        """What the source's columns are to hold."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("secret", "reason")}


def values_of(source: PrometheusSource) -> dict[str, Any]:
    """Return what a form for a stored source begins with: everything but its secret."""
    return {name: getattr(source, name) for name in SourceForm.base_fields if name not in ("secret", "reason")}
