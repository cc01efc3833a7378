"""What support staff fill in, and what narrows the list of complaints."""

from typing import Any

from django import forms
from django.db.models import F, Max, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from flags.models import Environment, Flag, Site
from health.models import Complaint, ComplaintSeverity, ComplaintStatus
from health.transitions import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS


class ComplaintForm(forms.Form):
    """What a support person writes down while on the phone: where, then what."""

    text = forms.CharField(
        label=_("What happened"),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True, "data-enter-saves": "", "autocomplete": "off"}),
    )
    site = forms.ModelChoiceField(Site.objects.all(), label=_("Site"), empty_label=_("Choose the site"))
    severity = forms.ChoiceField(label=_("How bad"), choices=ComplaintSeverity.choices, initial="annoying")
    reporter = forms.CharField(label=_("Who says so"), max_length=MAX_REPORTER_CHARACTERS, required=False)

    def __init__(self, *args: Any, environment: Environment | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["flag"] = forms.ModelChoiceField(
            suspects(environment), label=_("Suspected feature"), required=False, empty_label=_("none in particular")
        )
        self.order_fields(["site", "text", "flag", "severity", "reporter"])


def suspects(environment: Environment | None) -> QuerySet[Flag]:
    """Return the flags somebody may suspect: those whose rules changed last come first."""
    changed = Max("states__rules__since", filter=Q(states__environment=environment))
    rows = Flag.objects.filter(archived_at=None).annotate(changed_at=changed)
    return rows.order_by(F("changed_at").desc(nulls_last=True), "name")


class ComplaintFilter(forms.Form):
    """The list's filters; they live in the address."""

    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )
    flag = forms.ModelChoiceField(
        Flag.objects.all(),
        label=_("Suspected feature"),
        required=False,
        to_field_name="key",
        empty_label=_("every feature"),
    )
    severity = forms.ChoiceField(
        label=_("How bad"), choices=[("", _("however bad")), *ComplaintSeverity.choices], required=False
    )
    status = forms.ChoiceField(label=_("State"), choices=[("", _("all")), *ComplaintStatus.choices], required=False)
    number = forms.IntegerField(label=_("Number"), min_value=1, max_value=999_999_999, required=False)

    def narrow(self, rows: QuerySet[Complaint]) -> QuerySet[Complaint]:
        """Return the rows that pass the filters; a filter with a wrong value lets nothing through."""
        if not self.is_valid():
            return rows.none()
        columns = {"number": "pk"}
        return rows.filter(**{columns.get(name, name): value for name, value in self.cleaned_data.items() if value})
