"""What a pilot fills in: how it went, with what, and why."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.models import Flag
from rollouts.domain.feedback import MOST_TEXT_CHARACTERS
from rollouts.feedback_labels import RATINGS
from rollouts.feedback_queries import list_flags_tried
from rollouts.models import Rollout


class FeedbackForm(forms.Form):
    """One answer of a day."""

    rating = forms.TypedChoiceField(
        label=_("How did it go today?"),
        coerce=int,
        choices=RATINGS.items(),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how it went."),
            "invalid_choice": _("Choose how it went."),
        },
    )
    flag = forms.ChoiceField(label=_("What is it about?"), required=False)
    text = forms.CharField(
        label=_("What should we know?"),
        required=False,
        max_length=MOST_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off"}),
        help_text=_("No names of customers, please."),
    )

    def __init__(self, *args: Any, rollout: Rollout, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flags: list[Flag] = list_flags_tried(rollout)
        choices = [("", _("The whole day")), *((str(flag.pk), flag.name) for flag in flags)]
        self.fields["flag"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField's

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transition."""
        data = self.cleaned_data
        flag_id = int(data["flag"]) if data["flag"] else None
        return {"rating": data["rating"], "text": data["text"], "flag_id": flag_id}
