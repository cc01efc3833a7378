"""What people fill in about a team's channel."""

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from core.history import MAX_REASON_CHARACTERS
from notifications.domain.audience import INDOOR_KINDS
from notifications.endpoint_labels import DRILLS, LEAST_TIERS
from notifications.endpoint_models import LANGUAGES
from notifications.endpoint_transitions import MOST_ADDRESS_CHARACTERS, MOST_PER_MINUTE
from notifications.labels import GROUPS
from notifications.models import Channel, Endpoint
from notifications.places import list_environments, list_sites
from notifications.trial_codes import CHARACTERS


def _time(label: Any) -> forms.TimeField:
    return forms.TimeField(label=label, required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))


def _many(label: Any, **given: Any) -> forms.TypedMultipleChoiceField:
    return forms.TypedMultipleChoiceField(
        label=label, required=False, widget=forms.CheckboxSelectMultiple, **{"coerce": str, **given}
    )


class EndpointForm(forms.Form):
    """Where a channel is, and what it wants to hear; nothing chosen in a list wants all of it."""

    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("As its readers know it, for example #releases.")
    )
    address = forms.CharField(
        label=_("Address"),
        max_length=MOST_ADDRESS_CHARACTERS,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, initial="fr")
    environments = _many(_("Environments"))
    groups = _many(_("Kinds of messages"))
    least_tier = forms.ChoiceField(label=_("Incidents"), choices=list(LEAST_TIERS.items()), required=False)
    site_keys = _many(_("Sites"))
    drills = forms.ChoiceField(label=_("Rehearsals"), choices=[(str(one), words) for one, words in DRILLS.items()])
    weekdays = _many(_("Days"), coerce=int, choices=[(number, WEEKDAYS[number]) for number in range(7)])
    hours_from = _time(_("From"))
    hours_until = _time(_("until"))
    is_urgent_anytime = forms.BooleanField(
        label=_("What is urgent comes at any hour"),
        required=False,
        initial=True,
        help_text=_(
            "Rollbacks and holds, incidents that open or run out of time, complaints over the limit, deployments that"
            " fail."
        ),
    )
    gathers = forms.BooleanField(
        label=_("Floods come as one message"),
        required=False,
        initial=True,
        help_text=_("Six or more that wait together are one list, and what is outdated is left out."),
    )
    per_minute = forms.IntegerField(label=_("At most a minute"), min_value=1, max_value=MOST_PER_MINUTE, initial=30)
    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)

    def __init__(self, *args: Any, kind: str, is_new: bool, how: Any = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("environments", list_environments())
        self._offer("site_keys", list_sites())
        heard = [(code, words) for code, (words, kinds) in GROUPS.items() if kinds - INDOOR_KINDS]
        self._offer("groups", heard)
        self.fields["address"].required = is_new
        kept = _("Stored sealed and never shown again. Left empty, the one that is stored stays.")
        self.fields["address"].help_text = how if is_new else kept
        if kind == Channel.WEBHOOK:
            # Programs get each message by itself.
            del self.fields["gathers"]

    def _offer(self, name: str, choices: Any) -> None:
        """Offer what there is, and what was chosen before and is gone, so that it can be seen and taken away."""
        known = [key for key, _words in choices]
        gone = [(key, key) for key in self.initial.get(name, []) if key not in known]
        self.fields[name].choices = [*choices, *gone]  # type: ignore[attr-defined]  # a field of choices

    @property
    def values(self) -> dict[str, Any]:
        """What the endpoint's columns are to hold."""
        return {name: value for name, value in self.cleaned_data.items() if name not in ("address", "reason")}


def values_of(endpoint: Endpoint) -> dict[str, Any]:
    """Return what a form for a stored endpoint begins with: everything but its address."""
    return {name: getattr(endpoint, name) for name in EndpointForm.base_fields if name not in ("address", "reason")}


class ReasonForm(forms.Form):
    """Why a channel is switched off or on, or gets a new secret."""

    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)


class CodeForm(forms.Form):
    """The code that a test message brought."""

    code = forms.CharField(
        label=_("Code in the message"),
        max_length=4 * CHARACTERS,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
