"""The filters of the ledger; they live in the address."""

from django import forms
from django.utils.translation import gettext_lazy as _

from core.clock import get_zone
from core.domain.business_time import begin_of, end_of
from core.fields import DayField
from core.models import User
from notifications.labels import GROUPS
from notifications.ledger_labels import CHANNELS, OUTCOMES
from notifications.ledger_queries import Outcome, Wish
from notifications.models import Endpoint

MOST_CHARACTERS_OF_ADDRESS = 300
#: A page of the portal's own: it is linked to.
PAGE = r"\A/(?:[\w.-]+/)*\Z"


class LedgerFilter(forms.Form):
    """What is looked for among all that was told."""

    outcome = forms.ChoiceField(
        label=_("What came of it"),
        choices=[("", _("all")), *((str(one), words) for one, words in OUTCOMES.items())],
        required=False,
    )
    kind = forms.ChoiceField(
        label=_("About"),
        choices=[("", _("everything")), *((code, words) for code, (words, _kinds) in GROUPS.items())],
        required=False,
    )
    channel = forms.ChoiceField(
        label=_("Channel"),
        choices=[("", _("all")), *((str(one), words) for one, words in CHANNELS.items())],
        required=False,
    )
    reader = forms.ModelChoiceField(
        User.objects.order_by("last_name", "first_name", "username"),
        label=_("Reader"),
        required=False,
        to_field_name="username",
        empty_label=_("all"),
    )
    endpoint = forms.ModelChoiceField(
        Endpoint.objects.all(), label=_("Channel of a team"), required=False, empty_label=_("all")
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("to"), required=False)
    about = forms.RegexField(
        PAGE, required=False, max_length=MOST_CHARACTERS_OF_ADDRESS, widget=forms.HiddenInput, strip=True
    )

    def to_wish(self) -> Wish:
        """Return what a valid form narrows by; days are the portal's, the last one included."""
        given, zone = self.cleaned_data, get_zone()
        return Wish(
            outcome=Outcome(given["outcome"]) if given["outcome"] else None,
            channel=given["channel"] or None,
            kinds=GROUPS[given["kind"]][1] if given["kind"] else None,
            reader_id=None if given["reader"] is None else given["reader"].pk,
            endpoint_id=None if given["endpoint"] is None else given["endpoint"].pk,
            about=given["about"] or None,
            since=begin_of(given["since"], zone=zone),
            until=end_of(given["until"], zone=zone),
        )
