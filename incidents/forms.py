"""What people fill in about incidents: declaring one, and what was learnt."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import DayField
from core.models import User
from flags.models import Environment, Flag, Site
from incidents.domain.tiers import Tier
from incidents.labels import STATUSES, TIERS
from incidents.models import ActionKind
from incidents.transitions.declaring import MAX_TITLE_CHARACTERS
from incidents.transitions.learning import MAX_MEASURE_CHARACTERS
from incidents.transitions.locking import MAX_TEXT_CHARACTERS


def _area(rows: int, **attributes: Any) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, **attributes})


class DeclareForm(forms.Form):
    """An incident as somebody declares it on the phone: the title first, then what is known."""

    title = forms.CharField(
        label=_("What is wrong"),
        max_length=MAX_TITLE_CHARACTERS,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    reason = forms.CharField(label=_("What is known"), max_length=2_000, widget=_area(3))
    tier = forms.ChoiceField(
        label=_("How grave"),
        choices=[
            (str(Tier.CRITICAL), _("Critical, 1 h: the till is down, sales are lost, nothing can be used")),
            (str(Tier.IMPORTANT), _("Important, 4 h: slow, a secondary feature is out, most people are hit")),
            (str(Tier.MINOR), _("Minor, 24 h: it looks wrong, work goes on")),
        ],
        initial=str(Tier.IMPORTANT),
        widget=forms.RadioSelect,
    )
    environment = forms.ModelChoiceField(Environment.objects.all(), label=_("Environment"), empty_label=None)
    sites = forms.ModelMultipleChoiceField(
        Site.objects.all(), label=_("Sites"), required=False, widget=forms.CheckboxSelectMultiple
    )
    flag = forms.ModelChoiceField(
        Flag.objects.filter(archived_at=None),
        label=_("Suspected feature"),
        required=False,
        empty_label=_("none in particular"),
    )
    detected_at = forms.DateTimeField(
        label=_("Noticed at"),
        required=False,
        help_text=_("Empty: now. The clock runs from here."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


class PostMortemForm(forms.Form):
    """The post-mortem's texts; `seen` is the version they were read in."""

    root_cause = forms.CharField(
        label=_("Root cause"),
        help_text=_("Why could it happen? Not who: what in the system, the plan, the test."),
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        widget=_area(4),
    )
    impact = forms.CharField(
        label=_("Impact"),
        help_text=_("Who was hit, for how long, how many sales; how it was noticed."),
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        widget=_area(3),
    )
    documentation_updates = forms.CharField(
        label=_("Documentation updates"),
        help_text=_("Which pages change, or why none needs to."),
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        widget=_area(3),
    )
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class MeasureForm(forms.Form):
    """A measure with its owner and date."""

    title = forms.CharField(
        label=_("What is done"),
        max_length=MAX_MEASURE_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=ActionKind.choices, initial=ActionKind.PREVENTIVE)
    owner = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"), label=_("Owner"), empty_label=None
    )
    due_on = DayField(label=_("Due"), input_formats=["%Y-%m-%d"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_on"].widget.attrs["min"] = timezone.localdate().isoformat()


class IncidentFilter(forms.Form):
    """The list's filters; they live in the address."""

    status = forms.ChoiceField(label=_("State"), choices=[("", _("all")), *STATUSES.items()], required=False)
    tier = forms.ChoiceField(label=_("Tier"), choices=[("", _("all")), *TIERS.items()], required=False)
    environment = forms.ModelChoiceField(
        Environment.objects.all(),
        label=_("Environment"),
        required=False,
        to_field_name="key",
        empty_label=_("all"),
    )
