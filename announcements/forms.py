"""What is filled in about announcements: the composer, its confirmation, corrections, the list's filters."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from announcements.domain.kinds import OF_WINDOW, Kind
from announcements.domain.lifecycle import Places
from announcements.labels import KINDS, PLACES, STATUSES
from announcements.models import LONGEST_BODY, LONGEST_NOTE, LONGEST_TITLE, Announcement
from announcements.outlets import Outlet, list_outlets
from announcements.transitions.drafting import LONGEST_REASON, Content
from core.labels import ROLES
from core.roles import Role
from flags.forms import ReasonedForm
from flags.models import Environment, Flag, Site
from incidents.models import Incident
from rollouts.models import Rollout

#: Of rollouts and incidents the newest can be chosen; an older one comes by the button on its own page.
MOST_OFFERED = 50
#: The field that a refusal is about, from its data where those tell.
FIELDS_OF_REFUSALS = {
    "placeholder_unknown": "{field}",
    "announcement_half_said": "{missing}_{language}",
    "announcement_hint_left": "body_{language[0]}",
    "announcement_in_one_language": "one_language_reason",
    "announcement_ends_before": "ends_at",
    "announcement_promise_past": "next_update_at",
    "announcement_rollout_wrong": "rollout",
    "announcement_incident_wrong": "incident",
    "announcement_role_unknown": "roles",
    "announcement_site_unknown": "sites",
    "announcement_flag_missing": "flag",
}
NONE = pgettext_lazy("rollout, incident or flag", "none in particular")
#: Auditors read everything anyway: they are told of nothing.
TOLD_ROLES = (Role.RELEASE_MANAGER, Role.SUPPORT, Role.ADMIN)


class MomentField(forms.DateTimeField):
    """A moment on the portal's clock."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], required=False, **kwargs)


def _title(label: Any, language: str) -> forms.CharField:
    widget = forms.TextInput(attrs={"lang": language, "autocomplete": "off"})
    return forms.CharField(label=label, max_length=LONGEST_TITLE, required=False, widget=widget)


def _body(label: Any, language: str) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 9, "lang": language})
    return forms.CharField(label=label, max_length=LONGEST_BODY, required=False, widget=widget)


def _note(label: Any, language: str) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 2, "lang": language})
    return forms.CharField(label=label, max_length=LONGEST_NOTE, required=False, widget=widget)


class WordsForm(forms.Form):
    """A title and a text, in French and English beside each other."""

    title_fr = _title(_("Title in French"), "fr")
    body_fr = _body(_("Text in French"), "fr")
    title_en = _title(_("Title in English"), "en")
    body_en = _body(_("Text in English"), "en")
    one_language_reason = forms.CharField(
        label=_("Why in one language only"),
        help_text=_("Only where one of the two is left out: its readers get the other one, marked."),
        max_length=LONGEST_REASON,
        required=False,
    )

    @property
    def has_wrong_words(self) -> bool:
        """Whether one of the words is refused: then the list of places stands open beside them."""
        return any(self[name].errors for name in ("title_fr", "body_fr", "title_en", "body_en"))

    @property
    def sides(self) -> list[tuple[str, Any, Any]]:
        """Each language with its title and its text."""
        return [("fr", self["title_fr"], self["body_fr"]), ("en", self["title_en"], self["body_en"])]


class ComposeForm(WordsForm):
    """An announcement as somebody writes it: of what, in which words, by which outlets, to whom."""

    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), to_field_name="key", empty_label=None
    )
    kind = forms.ChoiceField(label=_("What is said"), choices=list(KINDS.items()))
    rollout = forms.ModelChoiceField(Rollout.objects.none(), label=_("Rollout"), required=False, empty_label=NONE)
    incident = forms.ModelChoiceField(Incident.objects.none(), label=_("Incident"), required=False, empty_label=NONE)
    starts_at = MomentField(label=_("Begins at"), help_text=_("Of a maintenance, or of anything with a window."))
    ends_at = MomentField(label=_("Ends at"))
    next_update_at = MomentField(
        label=_("Next update by"), help_text=_("You are reminded when it is due. {next_update} says it in the text.")
    )
    outlets = forms.MultipleChoiceField(label=_("Said by"), required=False, widget=forms.CheckboxSelectMultiple)
    places = forms.ChoiceField(
        label=_("For which sites"), choices=list(PLACES.items()), initial=Places.EVERYWHERE, widget=forms.RadioSelect
    )
    sites = forms.ModelMultipleChoiceField(
        Site.objects.all(),
        label=_("These sites"),
        to_field_name="key",
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    flag = forms.ModelChoiceField(
        Flag.objects.filter(archived_at=None),
        label=_("Flag"),
        to_field_name="key",
        required=False,
        empty_label=NONE,
    )
    roles = forms.MultipleChoiceField(
        label=_("People of the portal"),
        choices=[(str(role), ROLES[str(role)]) for role in TOLD_ROLES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    follows = forms.ModelChoiceField(Announcement.objects.all(), required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, draft: Announcement | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft = draft
        if draft is not None:
            # An announcement stays where it was written.
            self.fields["environment"].disabled = True
        outlets = self.fields["outlets"]
        outlets.choices = [(one.key, one.label) for one in list_outlets()]  # type: ignore[attr-defined]  # of choices
        for name, model in (("rollout", Rollout), ("incident", Incident)):
            self._offer(name, model)

    def _offer(self, name: str, model: type[Rollout] | type[Incident]) -> None:
        """Offer the newest, and the one that is chosen."""
        newest = model._default_manager.order_by("-pk").values_list("pk", flat=True)[:MOST_OFFERED]
        chosen = [str(self.data.get(name) or self.initial.get(name) or "")]
        numbers = [*newest, *(int(one) for one in chosen if one.isascii() and one.isdigit() and len(one) < 18)]
        rows: Any = model._default_manager.filter(pk__in=numbers).order_by("-pk")
        related = ("release", "environment") if model is Rollout else ("environment",)
        self.fields[name].queryset = rows.select_related(*related)  # type: ignore[attr-defined]  # a field of rows

    @property
    def asks_for_window(self) -> bool:
        """Whether the chosen kind wants to know from when to when."""
        return self["kind"].value() in {str(kind) for kind in OF_WINDOW}

    @property
    def ways(self) -> list[tuple[Outlet, bool]]:
        """Each outlet, and whether it is chosen."""
        chosen = set(self["outlets"].value() or ())
        return [(outlet, outlet.key in chosen) for outlet in list_outlets()]

    @property
    def content(self) -> Content:
        """What a valid form says."""
        given = self.cleaned_data
        places = Places(given["places"])
        return Content(
            kind=Kind(given["kind"]),
            outlets=given["outlets"],
            roles=given["roles"],
            places=places,
            site_keys=[site.key for site in given["sites"]] if places is Places.SITES else (),
            flag_id=_number_of(given["flag"]),
            rollout_id=_number_of(given["rollout"]),
            incident_id=_number_of(given["incident"]),
            follows_id=_number_of(given["follows"]),
            starts_at=given["starts_at"],
            ends_at=given["ends_at"],
            next_update_at=given["next_update_at"],
            **read_words(given),
        )


def _number_of(row: Any) -> int | None:
    return None if row is None else row.pk


def read_words(given: dict[str, Any]) -> dict[str, Any]:
    """Return the words of a valid form, as a content has them."""
    names = ("title_fr", "body_fr", "title_en", "body_en", "one_language_reason")
    return {name: given[name] for name in names}


class ConfirmForm(ReasonedForm):
    """The last step: now or at a moment, why, and to how many; `confirmed` is the number that was shown or typed."""

    publish_at = MomentField(label=_("Not now, but at"), help_text=_("Empty: at once."))
    confirmed = forms.IntegerField(required=False, min_value=0, max_value=2**31)


class CorrectForm(WordsForm):
    """A correction: the words put right, and what was wrong, for those who read it."""

    note_fr = _note(_("What was wrong, in French"), "fr")
    note_en = _note(_("What was wrong, in English"), "en")
    starts_at = MomentField(label=_("Begins at"))
    ends_at = MomentField(label=_("Ends at"))
    next_update_at = MomentField(label=_("Next update by"))
    confirmed = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    @property
    def content(self) -> Content:
        """The words, the window and the promise of a valid form."""
        given = self.cleaned_data
        moments = {name: given[name] for name in ("starts_at", "ends_at", "next_update_at")}
        return Content(kind=Kind.FREE, **moments, **read_words(given))


class WithdrawForm(ReasonedForm):
    """Why it does not hold, for those who read it; a draft that is given up has no reader."""

    note_fr = _note(_("Why it does not hold, in French"), "fr")
    note_en = _note(_("Why it does not hold, in English"), "en")

    def __init__(self, *args: Any, is_said: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_said:
            del self.fields["note_fr"], self.fields["note_en"]


class TemplateForm(WordsForm):
    """The words that a kind begins with."""

    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["one_language_reason"]


class HotlineForm(ReasonedForm):
    """The number that shops call."""

    phone = forms.CharField(
        label=_("Number"), max_length=40, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    hours_fr = forms.CharField(label=_("Hours, in French"), max_length=100, required=False)
    hours_en = forms.CharField(label=_("Hours, in English"), max_length=100, required=False)


class AnnouncementFilter(forms.Form):
    """The list's filters; they live in the address."""

    q = forms.CharField(label=_("Words"), max_length=100, required=False)
    status = forms.ChoiceField(label=_("State"), choices=[("", _("all")), *STATUSES.items()], required=False)
    kind = forms.ChoiceField(label=_("What is said"), choices=[("", _("all")), *KINDS.items()], required=False)
    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), to_field_name="key", empty_label=_("all"), required=False
    )
    rollout = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    incident = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)
    overdue = forms.ChoiceField(label=_("Next update"), choices=[("", _("all")), ("yes", _("overdue"))], required=False)
