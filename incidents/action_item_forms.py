"""A measure with its owner and date, and the filters of the list of all measures."""

from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import DayField
from core.models import User
from incidents.models import ActionKind
from incidents.people_queries import list_handlers
from incidents.post_mortem_labels import MEASURE_STATES
from incidents.transitions.measuring import MAX_MEASURE_CHARACTERS


class MeasureForm(forms.Form):
    """A measure with its owner and date."""

    title = forms.CharField(
        label=_("What is done"),
        max_length=MAX_MEASURE_CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=ActionKind.choices, initial=ActionKind.PREVENTIVE)
    owner = forms.ModelChoiceField(User.objects.none(), label=_("Owner"), empty_label=None)
    verifier = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Verified by"),
        help_text=_("Somebody other than the owner; nobody named: those who drive releases are asked."),
        required=False,
    )
    due_on = DayField(label=_("Due"), input_formats=["%Y-%m-%d"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_handlers(self)
        self.fields["due_on"].widget.attrs["min"] = timezone.localdate().isoformat()


class HandOverForm(forms.Form):
    """Another owner, verifier or date of an open measure."""

    owner = forms.ModelChoiceField(User.objects.none())
    verifier = forms.ModelChoiceField(User.objects.none(), required=False)
    due_on = DayField(input_formats=["%Y-%m-%d"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_handlers(self)


def _offer_handlers(form: forms.Form) -> None:
    for name in ("owner", "verifier"):
        cast("forms.ModelChoiceField[User]", form.fields[name]).queryset = list_handlers()


class MeasureFilter(forms.Form):
    """The list's filters; they live in the address."""

    mine = forms.BooleanField(label=_("mine"), required=False)
    overdue = forms.BooleanField(label=_("overdue"), required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("open or to be verified")), *MEASURE_STATES.items()], required=False
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=[("", _("all")), *ActionKind.choices], required=False)
    owner = forms.ModelChoiceField(
        User.objects.order_by("username"),
        label=_("Owner"),
        required=False,
        to_field_name="username",
        empty_label=_("all"),
    )
