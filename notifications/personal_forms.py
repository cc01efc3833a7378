"""What a person fills in of how they are told."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core import clock
from core.domain.business_time import list_time_zones
from core.models import Language, User
from notifications.digest_labels import ALWAYS, MODES
from notifications.domain.digest import EARLIEST_HOUR, LATEST_HOUR
from notifications.domain.mail_modes import DIGEST_KIND, URGENT, MailMode
from notifications.labels import GROUPS
from notifications.models import PersonalSettings

#: Groups in which a person has something to choose.
CHOSEN = tuple(group for group, (_words, kinds) in GROUPS.items() if kinds - URGENT - {DIGEST_KIND})
#: Groups without a choice: every kind of theirs is urgent.
FIXED = tuple(group for group, (_words, kinds) in GROUPS.items() if kinds <= URGENT)


def _say_own_zone() -> str:
    return gettext("The portal’s: %(zone)s") % {"zone": clock.get_zone()}


class PersonalForm(forms.Form):
    """Language, the digest's zone, hour and days, and how each group of messages comes by mail."""

    language = forms.ChoiceField(
        label=_("Language"), choices=Language.choices, help_text=_("Of the pages and of your mails.")
    )
    digest_is_on = forms.BooleanField(
        label=_("Send me a digest"),
        required=False,
        help_text=_("Once a day by mail and in the inbox: what you are to do, by its date. Nothing on days without."),
    )
    digest_hour = forms.TypedChoiceField(
        label=_("Hour"),
        coerce=int,
        choices=[(hour, f"{hour:02}:00") for hour in range(EARLIEST_HOUR, LATEST_HOUR + 1)],
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False)
    digest_weekdays = forms.TypedMultipleChoiceField(
        label=_("Days"),
        coerce=int,
        choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(name, name.replace("_", " ")) for name in sorted(list_time_zones())]
        self.fields["time_zone"].choices = [("", lazy(_say_own_zone, str)()), *zones]  # type: ignore[attr-defined]  # a choice field
        for group in CHOSEN:
            self.fields[f"mail_{group}"] = forms.ChoiceField(
                label=format_lazy("{}", GROUPS[group][0]),
                choices=list(MODES.items()),
                help_text=format_lazy("{}", ALWAYS.get(group, "")),
            )

    def list_modes(self) -> list[forms.BoundField]:
        """Return the fields of the groups in their order."""
        return [self[f"mail_{group}"] for group in CHOSEN]

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transition."""
        given = dict(self.cleaned_data)
        modes = {group: MailMode(given.pop(f"mail_{group}")) for group in CHOSEN}
        return given | {"modes": modes}


def draw_initial(user: User, row: PersonalSettings) -> Mapping[str, Any]:
    """Return what a form shows first: what is in force."""
    modes = row.preferences.choice.modes
    return {
        "language": user.language,
        "digest_is_on": row.digest_is_on,
        "digest_hour": row.digest_hour,
        "time_zone": row.time_zone,
        "digest_weekdays": row.digest_weekdays,
        **{f"mail_{group}": str(modes.get(group, MailMode.AT_ONCE)) for group in CHOSEN},
    }
