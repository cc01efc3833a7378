"""What is filled in for a notice, and by who reports a problem."""

import uuid
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Flag, Site
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS
from health.models import ComplaintSeverity
from notices.domain.problems import USUAL_SEVERITY, Problem
from notices.labels import LEVELS
from notices.models import Notice
from notices.models.notices import LONGEST_HOTLINE, LONGEST_TEXT, LONGEST_TITLE
from notices.transitions import NoticeWish

_NAMES = ("level", "title_fr", "text_fr", "title_en", "text_en", "hotline", "next_update_at", "starts_at", "ends_at")


def _moment(label: Any, help_text: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        help_text=help_text,
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


def _title(label: Any, language: str) -> forms.CharField:
    attrs = {"lang": language, "autocomplete": "off"}
    return forms.CharField(label=label, max_length=LONGEST_TITLE, required=False, widget=forms.TextInput(attrs=attrs))


def _text(label: Any, language: str, help_text: Any = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 4, "lang": language})
    return forms.CharField(label=label, max_length=LONGEST_TEXT, required=False, widget=widget, help_text=help_text)


class NoticeForm(ReasonedForm):
    """A notice: how loud, what it says, whom to call, from when to when, and at which tills."""

    level = forms.ChoiceField(
        label=_("How loud"),
        choices=list(LEVELS.items()),
        help_text=_("Urgent cannot be put away, and is read aloud at once: for what must stop a hand."),
    )
    title_fr = _title(_("Title in French"), "fr")
    text_fr = _text(
        _("In French"), "fr", _("What the cashier does now, in two sentences. Plain text; line breaks stay.")
    )
    title_en = _title(_("Title in English"), "en")
    text_en = _text(_("In English"), "en", _("A till in the other language shows what there is."))
    hotline = forms.CharField(
        label=_("Hotline"), max_length=LONGEST_HOTLINE, required=False, widget=forms.TextInput(attrs={"type": "tel"})
    )
    next_update_at = _moment(_("Next update at"), _("Tills say until when they may wait for news."))
    starts_at = _moment(_("Shown from"), _("Empty: at once."))
    ends_at = _moment(_("Shown until"), _("Empty: until somebody takes it away."))
    sites = forms.ModelMultipleChoiceField(
        Site.objects.all(),
        label=_("Sites"),
        help_text=_("None: every site."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    flags = forms.ModelMultipleChoiceField(
        Flag.objects.none(),
        label=_("Only at tills that have one of these flags, or have just lost it"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, notice: Notice | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        linked = [row.flag_id for row in notice.notice_flags.all()] if notice else []
        flags = Flag.objects.filter(Q(archived_at=None) | Q(pk__in=linked)).order_by("name")
        self.fields["flags"].queryset = flags  # type: ignore[attr-defined]  # a field of rows

    @property
    def wish(self) -> NoticeWish:
        """What was filled in, the reason apart."""
        given = self.cleaned_data
        return NoticeWish(
            **{name: given[name] for name in _NAMES},
            site_ids=[one.pk for one in given["sites"]],
            flag_ids=[one.pk for one in given["flags"]],
        )


def read_initial(notice: Notice) -> dict[str, Any]:
    """Return what the form shows of a notice that is put right."""
    return {
        **{name: getattr(notice, name) for name in _NAMES},
        "sites": [row.site_id for row in notice.notice_sites.all()],
        "flags": [row.flag_id for row in notice.notice_flags.all()],
    }


class ProblemForm(forms.Form):
    """What somebody at a site says does not work. `request_id` is the form's own: sent twice, it is logged once."""

    text = forms.CharField(
        label=_("What does not work?"),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off"}),
        help_text=_("What you did, and what you saw. No names of customers, please."),
    )
    severity = forms.ChoiceField(
        label=_("How bad is it?"), choices=ComplaintSeverity.choices, initial=USUAL_SEVERITY, widget=forms.RadioSelect
    )
    reporter = forms.CharField(
        label=_("Your first name"),
        max_length=MAX_REPORTER_CHARACTERS,
        required=False,
        help_text=_("So that support knows whom to ask for when they call the shop."),
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    request_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def read_problem(self, *, site_key: str) -> Problem:
        """Return what was filled in."""
        given = self.cleaned_data
        return Problem(
            request_id=given["request_id"].hex,
            site_key=site_key,
            text=given["text"],
            severity=given["severity"],
            reporter=given["reporter"].strip(),
        )
