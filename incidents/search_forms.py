"""What is searched for in incidents, complaints and post-mortems, and what narrows it; it lives in the address."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from core.domain.business_time import begin_of, end_of
from core.domain.search_terms import MOST_CHARACTERS
from flags.models import Site
from incidents.domain.searching import Kind
from incidents.labels import TIERS
from incidents.search_labels import KINDS


class SearchForm(forms.Form):
    """A search. What is too long is cut, not refused; the other fields must be right."""

    q = forms.CharField(
        label=_("Words"),
        required=False,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "maxlength": MOST_CHARACTERS,
                "autocomplete": "off",
                "autofocus": True,
                "enterkeyhint": "search",
            }
        ),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("all")), *KINDS.items()], required=False)
    site = forms.ModelChoiceField(
        Site.objects.order_by("name"), label=_("Site"), required=False, to_field_name="key", empty_label=_("all")
    )
    tier = forms.ChoiceField(label=_("Tier"), choices=[("", _("all")), *TIERS.items()], required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean_q(self) -> str:
        return str(self.cleaned_data["q"])[:MOST_CHARACTERS]

    @property
    def kind_wanted(self) -> Kind | None:
        """The one kind that is shown, once it is valid."""
        return Kind(self.cleaned_data["kind"]) if self.cleaned_data["kind"] else None

    def list_narrowing(self) -> list[forms.BoundField]:
        """Return the fields beside the words and the kind."""
        return [self[name] for name in ("site", "tier", "since", "until")]

    def to_narrowing(self, *, zone: ZoneInfo) -> dict[str, Any]:
        """Return what narrows the search as fields of a wish, once it is valid; the last day is within."""
        given = self.cleaned_data
        site = given["site"]
        return {
            "site_id": None if site is None else site.pk,
            "site_key": None if site is None else site.key,
            "tier": given["tier"] or None,
            "since": begin_of(given["since"], zone=zone),
            "until": end_of(given["until"], zone=zone),
        }
