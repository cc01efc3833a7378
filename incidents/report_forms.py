"""What the compliance report is narrowed by; it lives in the address."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from flags.models import Environment, Site
from incidents.domain.tiers import Tier
from incidents.labels import TIERS
from incidents.report_labels import REFUSALS
from incidents.report_queries import Wish
from rollouts.domain.month import Month, find_month

MOST_MONTHS = 60
#: The month that runs and eleven before it.
USUAL_MONTHS = 12


def find_usual_first(last: Month) -> Month:
    """Return the month with which a report up to `last` begins where nobody says."""
    for _number in range(USUAL_MONTHS - 1):
        last = last.previous
    return last


class MonthField(forms.CharField):
    """A month as browsers send it, "2026-12"."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2026-12"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        month = find_month(text)
        if month is None:
            raise ValidationError(_("A month like 2026-12."))
        return month


class ReportFilter(forms.Form):
    """Months from and to, and what narrows them; without an environment in the address it is the one looked at."""

    since = MonthField(label=_("From month"), required=False)
    until = MonthField(label=_("To month"), required=False)
    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), required=False, to_field_name="key", empty_label=_("all")
    )
    site = forms.ModelChoiceField(
        Site.objects.order_by("name"), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )
    tier = forms.ChoiceField(label=_("Tier"), choices=[("", _("all")), *TIERS.items()], required=False)

    def __init__(self, given: Any, *, today: Month, environment: Environment | None) -> None:
        data = {name: given.get(name, "") for name in self.base_fields}
        if "environment" not in given and environment is not None:
            data["environment"] = environment.key
        data["until"] = data["until"] or str(today)
        data["since"] = data["since"] or str(find_usual_first(find_month(data["until"]) or today))
        super().__init__(data)

    def clean(self) -> dict[str, Any]:
        given = dict(self.cleaned_data)
        first, last = given.get("since"), given.get("until")
        if first and last and not 0 <= first.count_to(last) < MOST_MONTHS:
            raise ValidationError(str(REFUSALS["report_months_unreadable"]), params={"limit": MOST_MONTHS})
        return given

    def to_wish(self) -> Wish:
        """Return what is wished for, once it is valid."""
        given = self.cleaned_data
        return Wish(
            first=given["since"],
            last=given["until"],
            environment_key=given["environment"].key if given["environment"] else None,
            tier=Tier(given["tier"]) if given["tier"] else None,
            site_key=given["site"].key if given["site"] else None,
        )
