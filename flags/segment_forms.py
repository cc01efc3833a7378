"""A segment: what it is called, and the conditions beside its people."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.condition_forms import PREFIX, ConditionFormSet, write_conditions
from flags.domain.conditions import Condition
from flags.forms import ReasonedForm, key_field


class SegmentForm(ReasonedForm):
    """Name, description and `lines` of conditions; unbound, the lines show `asked`."""

    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(label=_("Who they are"), widget=forms.Textarea(attrs={"rows": 2}), required=False)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, asked: tuple[Condition, ...] = (), **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.lines = ConditionFormSet(write_conditions(asked) if data is None else data, prefix=PREFIX)

    def clean(self) -> dict[str, Any]:
        """Add the `conditions`."""
        if self.lines.is_valid():
            self.cleaned_data["conditions"] = self.lines.conditions
        else:
            self.add_error(None, _("Some conditions are not clear yet."))
        return self.cleaned_data


class NewSegmentForm(SegmentForm):
    key = key_field()
