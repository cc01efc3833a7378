"""What support staff fill in, and what narrows the list of complaints."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from core.domain.search_terms import MOST_CHARACTERS
from flags.models import Flag, Site
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS
from health.models import ComplaintSeverity, ComplaintStatus
from health.suspects import Suspects


class ComplaintForm(forms.Form):
    """What a support person writes down while on the phone: where, then what."""

    text = forms.CharField(
        label=_("What happened"),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "data-enter-saves": "", "autocomplete": "off"}),
    )
    #: Another site has other suspects: the part of the form that names them is asked for anew.
    site = forms.ModelChoiceField(
        Site.objects.all(),
        label=_("Site"),
        empty_label=_("Choose the site"),
        widget=forms.Select(
            attrs={
                "hx-post": reverse_lazy("health:suspects"),
                "hx-trigger": "change",
                "hx-target": "#suspects",
                "hx-swap": "outerHTML",
            }
        ),
    )
    severity = forms.ChoiceField(label=_("How bad"), choices=ComplaintSeverity.choices, initial="annoying")
    reporter = forms.CharField(label=_("Who says so"), max_length=MAX_REPORTER_CHARACTERS, required=False)
    flag = forms.ModelChoiceField(Flag.objects.filter(archived_at=None), label=_("Suspected feature"), required=False)
    field_order = ("site", "text", "flag", "severity", "reporter")

    def __init__(self, *args: Any, suspects: Suspects, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["flag"].choices = _group(suspects)  # type: ignore[attr-defined]  # a field of choices
        self._focus("text" if self.initial.get("site") else "site")

    def focus_on_fault(self) -> None:
        """Let the first wrong field have the focus."""
        self._focus(next((name for name in self.fields if name in self.errors), "text"))

    def _focus(self, name: str) -> None:
        for other, field in self.fields.items():
            field.widget.attrs.pop("autofocus", None)
            if other == name:
                field.widget.attrs["autofocus"] = True


def _group(suspects: Suspects) -> list[tuple[Any, Any]]:
    """Return the choices of the suspected feature: those that changed lately first, under a head of their own."""
    lately, others = ([(flag.pk, flag.name) for flag in flags] for flags in (suspects.lately, suspects.others))
    choices: list[tuple[Any, Any]] = [("", _("none in particular"))]
    if not lately:
        return choices + others
    return [*choices, (_("Changed here lately"), lately), *([(_("Others"), others)] if others else [])]


class ComplaintFilter(forms.Form):
    """The list's filters; they live in the address."""

    q = forms.CharField(
        label=_("Words"),
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "maxlength": MOST_CHARACTERS, "autocomplete": "off"}),
    )
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
