"""What a release manager fills in about freezes."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.fields import DayField
from core.history import MAX_REASON_CHARACTERS
from flags.models import Environment
from rollouts.transitions.freezing import LONGEST_LABEL


class FreezeForm(forms.Form):
    """A freeze of environments, from its first day to its last."""

    label = forms.CharField(
        label=_("What it is"),
        max_length=LONGEST_LABEL,
        help_text=_("E.g. sales, stocktaking, Christmas. Plans and stories say it."),
    )
    environments = forms.MultipleChoiceField(label=_("Environments"), widget=forms.CheckboxSelectMultiple)
    first_on = DayField(label=_("First day"))
    last_on = DayField(label=_("Last day"), required=False, help_text=_("Empty: one day."))
    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._environments = {one.key: one for one in Environment.objects.all()}
        field = cast("forms.MultipleChoiceField", self.fields["environments"])
        field.choices = [(key, one.name) for key, one in self._environments.items()]

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in, the reason included: keyword arguments of the transition."""
        data = self.cleaned_data
        return {
            "environment_ids": [self._environments[key].pk for key in data["environments"]],
            "label": data["label"],
            "starts_on": data["first_on"],
            "ends_on": (data["last_on"] or data["first_on"]) + timedelta(days=1),
            "reason": data["reason"],
        }


class ShortenForm(forms.Form):
    """The last day of a freeze that ends earlier."""

    last_on = DayField(label=_("Last day"))
    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)
