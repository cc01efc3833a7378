"""What narrows the list of alerts, and what connects Sentry."""

from datetime import datetime

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Flag, Site
from health.alert_models import Alert, AlertOrigin, AlertSeverity
from health.alert_queries import firing
from health.sentry_transitions import MAX_NAME_CHARACTERS


class AlertFilter(forms.Form):
    """The list's filters; they live in the address."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("all")), ("firing", _("fires")), ("resolved", _("over"))],
        required=False,
    )
    origin = forms.ChoiceField(label=_("From"), choices=[("", _("all")), *AlertOrigin.choices], required=False)
    severity = forms.ChoiceField(
        label=_("How grave"), choices=[("", _("however grave")), *AlertSeverity.choices], required=False
    )
    flag = forms.ModelChoiceField(
        Flag.objects.all(), label=_("Flag"), required=False, to_field_name="key", empty_label=_("every feature")
    )
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )

    def narrow(self, rows: QuerySet[Alert], *, now: datetime) -> QuerySet[Alert]:
        """Return the rows that pass the filters; a filter with a wrong value lets nothing through."""
        if not self.is_valid():
            return rows.none()
        wanted = {name: value for name, value in self.cleaned_data.items() if value}
        state = wanted.pop("state", "")
        rows = rows.filter(**wanted)
        if state == "firing":
            return firing(rows, now=now)
        return rows.filter(ended_at__lte=now) if state == "resolved" else rows


class SentryForm(ReasonedForm):
    """A Sentry integration whose messages the environment takes."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_CHARACTERS, help_text=_("What it is called in Sentry."))
    secret = forms.CharField(
        label=_("Client secret"),
        max_length=300,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("From the integration’s page in Sentry. It is kept sealed and shown to nobody."),
    )
