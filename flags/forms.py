"""What release managers fill in about flags, people and places."""

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from core.domain.business_time import list_time_zones
from core.errors import InvalidInput
from core.fields import DayField
from core.history import MAX_REASON_CHARACTERS
from core.labels import say_refusal
from flags.domain.opening import DayKind
from flags.explaining import compose_context
from flags.labels import DAY_KINDS, PURPOSES
from flags.models import Criticality, Environment, Site, check_key, every_day

#: Scheme, host and port as browsers write an origin, at most what the column holds.
ORIGIN = re.compile(r"(?=.{1,200}$)https?://[a-z0-9.-]+(:[0-9]{1,5})?")


class ReasonedForm(forms.Form):
    """A form that begins with the key, if it has one, and ends with the reason every change asks for."""

    reason = forms.CharField(label=_("Why"), max_length=MAX_REASON_CHARACTERS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["key", *(name for name in self.fields if name != "reason")])

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in, the reason included: keyword arguments of a transition."""
        return dict(self.cleaned_data)


def key_field() -> forms.CharField:
    return forms.CharField(
        label=_("Key"),
        max_length=100,
        validators=[check_key],
        help_text=_("What programs call it. It stays for good: letters, digits, dot, dash, underscore."),
    )


class FlagForm(ReasonedForm):
    """What a flag says of itself."""

    name = forms.CharField(label=_("Name"), max_length=200)
    description = forms.CharField(label=_("What it does"), widget=forms.Textarea(attrs={"rows": 2}), required=False)
    owner = forms.CharField(label=_("Owner"), max_length=100, required=False)
    criticality = forms.ChoiceField(
        label=_("Weight"),
        choices=Criticality.choices,
        initial=Criticality.IMPORTANT,
        help_text=_("How grave it is when it fails: it sets the tier of the incident."),
    )
    cashier_note_fr = forms.CharField(
        label=_("Note for cashiers, in French"), widget=forms.Textarea(attrs={"rows": 2}), required=False
    )
    documentation_url = forms.URLField(
        label=_("Address of its documentation"), max_length=200, required=False, assume_scheme="https"
    )
    expires_on = DayField(label=_("To be removed from the code by"), required=False)
    is_permanent = forms.BooleanField(
        label=_("Kept on purpose"),
        help_text=_("E.g. to switch a feature off in trouble: it never counts as to be removed."),
        required=False,
    )


class PictureForm(ReasonedForm):
    """The picture of a flag's note; none is needed to take one away."""

    picture = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG or WebP. It is turned upright and made small, and keeps nothing of the camera."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )

    def __init__(self, *args: Any, is_removed: bool = False) -> None:
        super().__init__(*args)
        self.fields["picture"].required = not is_removed


class MemberForm(ReasonedForm):
    """One person of a segment."""

    targeting_key = forms.CharField(
        label=_("Targeting key"),
        max_length=200,
        help_text=_("The pseudonymous key the tills send for this person, never a name."),
    )
    label = forms.CharField(label=_("Shown as"), max_length=100, required=False)
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, empty_label=_("no site in particular")
    )


class SiteForm(ReasonedForm):
    """A site's sheet."""

    name = forms.CharField(label=_("Name"), max_length=100)
    street = forms.CharField(label=_("Street"), max_length=200, required=False)
    postal_code = forms.CharField(label=_("Postal code"), max_length=20, required=False)
    city = forms.CharField(label=_("City"), max_length=100)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    contact_name = forms.CharField(
        label=_("Contact"), max_length=100, required=False, help_text=_("Whom to ask for at work.")
    )
    contact_email = forms.EmailField(label=_("The contact's e-mail"), max_length=254, required=False)
    backup_name = forms.CharField(
        label=_("Backup person"), max_length=100, required=False, help_text=_("Who answers when the contact does not.")
    )
    backup_phone = forms.CharField(label=_("The backup person's phone"), max_length=40, required=False)
    opening_weekdays = forms.TypedMultipleChoiceField(
        label=_("Open on"),
        coerce=int,
        initial=every_day,
        choices=[(number, WEEKDAYS[number - 1]) for number in range(1, 8)],
        widget=forms.CheckboxSelectMultiple,
    )
    opening_hours = forms.CharField(
        label=_("Opening hours"), max_length=200, required=False, help_text=_("In words, e.g. 10–12 and 14–18.")
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), initial="Europe/Paris")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(list_time_zones())
        self.fields["time_zone"].choices = [(name, name) for name in zones]  # type: ignore[attr-defined]  # a ChoiceField


class NewSiteForm(SiteForm):
    key = key_field()


class SiteDaysForm(ReasonedForm):
    """Days on which a site is not as usual, from the first to the last."""

    label = forms.CharField(
        label=_("What it is"), max_length=100, help_text=_("E.g. braderie, inventory, summer closing.")
    )
    kind = forms.ChoiceField(label=_("On these days the site is"), choices=DAY_KINDS.items())
    first_on = DayField(label=_("First day"))
    last_on = DayField(label=_("Last day"), required=False, help_text=_("Empty: one day."))

    @property
    def wishes(self) -> dict[str, Any]:
        data = self.cleaned_data
        last_on = data["last_on"] or data["first_on"]
        return {
            "label": data["label"],
            "kind": DayKind(data["kind"]),
            "starts_on": data["first_on"],
            "ends_on": last_on + timedelta(days=1),
            "reason": data["reason"],
        }


class TillForm(ReasonedForm):
    key = key_field()
    name = forms.CharField(label=_("Name"), max_length=100)


class EnvironmentForm(ReasonedForm):
    """What an environment says of itself."""

    name = forms.CharField(label=_("Name"), max_length=100)
    position = forms.IntegerField(
        label=_("Place in the top bar"), min_value=0, max_value=32_767, initial=0, help_text=_("The least comes first.")
    )
    is_production = forms.BooleanField(label=_("Production: real shops use it"), required=False)
    required_approvals = forms.IntegerField(
        label=_("Approvals before a rollout there is scheduled"),
        min_value=0,
        max_value=5,
        initial=0,
        help_text=_("By other people than those who planned it. Taking something back never waits for one."),
    )
    allowed_origins = forms.CharField(
        label=_("Origins of pages that may ask for flags"),
        help_text=_("One a line, e.g. https://till.example.org. Only tills that run in a browser need it."),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )

    def clean_allowed_origins(self) -> list[str]:
        """Return the origins; refuse what no browser would send as one."""
        origins = list(dict.fromkeys(self.cleaned_data["allowed_origins"].split()))
        if wrong := [origin for origin in origins if not ORIGIN.fullmatch(origin)]:
            raise forms.ValidationError(_("Not an origin: %(origin)s"), params={"origin": wrong[0]})
        return origins


class NewEnvironmentForm(EnvironmentForm):
    key = key_field()


class TokenForm(ReasonedForm):
    """A new token: for one environment and one purpose."""

    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("Which program holds it, and where."))
    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), to_field_name="key", empty_label=None
    )
    purpose = forms.ChoiceField(label=_("Purpose"), choices=PURPOSES.items())


class FlagFilter(forms.Form):
    """The list's filters; they live in the address."""

    q = forms.CharField(label=_("Name, key or owner"), required=False, max_length=100)
    state = forms.ChoiceField(label=_("State"), required=False)

    def __init__(self, *args: Any, states: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", _("all")), *states.items()]  # type: ignore[attr-defined]  # a ChoiceField


class PromotionForm(forms.Form):
    """From which environment a flag's rules go to which."""

    source = forms.ModelChoiceField(Environment.objects.all(), to_field_name="key", label=_("From"), empty_label=None)
    target = forms.ModelChoiceField(Environment.objects.all(), to_field_name="key", label=_("To"), empty_label=None)

    def clean(self) -> dict[str, Any]:
        """Refuse an environment's rules for itself."""
        data = self.cleaned_data
        if "source" in data and data["source"] == data.get("target"):
            self.add_error("target", say_refusal(InvalidInput("environments_alike")))
        return data


class ExplainForm(forms.Form):
    """Who asks, and where: what a till would send."""

    environment = forms.ModelChoiceField(
        Environment.objects.all(), to_field_name="key", label=_("Environment"), empty_label=None
    )
    who = forms.CharField(
        label=_("Targeting key"), max_length=200, required=False, help_text=_("The pseudonymous key of the person.")
    )
    site = forms.ModelChoiceField(
        Site.objects.all(), to_field_name="key", label=_("Site"), required=False, empty_label=_("no site in particular")
    )
    till = forms.CharField(label=_("Till"), max_length=100, required=False)
    attributes = forms.CharField(
        label=_("Other attributes"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        max_length=5_000,
        required=False,
        help_text=_("One a line, e.g. app_version=1.3.0"),
    )

    def clean(self) -> dict[str, Any]:
        """Add the `context`."""
        data = self.cleaned_data
        lines = [line.strip() for line in data.get("attributes", "").splitlines() if line.strip()]
        site = data.get("site")
        try:
            data["context"] = compose_context(
                who=data.get("who", ""), site=site.key if site else "", till=data.get("till", ""), attributes=lines
            )
        except InvalidInput as refusal:
            self.add_error("attributes", say_refusal(refusal))
        return data
