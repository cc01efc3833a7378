"""The war room's forms: a note with its picture, what is known, a public word."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.pictures import FORMATS
from incidents.domain.tiers import Tier
from incidents.domain.words import LONGEST_PROMISE, WordStatus
from incidents.room_labels import WORD_STATUSES
from incidents.transitions.locking import MAX_TEXT_CHARACTERS
from incidents.transitions.noting import MAX_ALT_CHARACTERS
from incidents.transitions.speaking import MAX_REASON_CHARACTERS, MAX_WORD_CHARACTERS
from incidents.transitions.steering import MAX_KNOWN_CHARACTERS

PICTURE_TYPES = ",".join(f"image/{name.lower()}" for name in FORMATS)
#: How far ahead the next word can be promised, in minutes.
AHEAD: tuple[tuple[str, Any], ...] = (
    ("20", _("in 20 minutes")),
    ("10", _("in 10 minutes")),
    ("5", _("in 5 minutes")),
    ("60", _("in 1 hour")),
    ("480", _("in 8 hours")),
)


class NoteForm(forms.Form):
    """A note for the timeline; `corrects` is the number of the one that it puts right."""

    note = forms.CharField(
        label=_("Note for the timeline"),
        help_text=_("Markdown: **bold**, - lists, `code`. What is written stays: a following note can put it right."),
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "data-key": "n", "aria-keyshortcuts": "n"}),
    )
    picture = forms.FileField(
        label=_("Picture"),
        help_text=_("JPEG, PNG or WebP, at most 8 MB. Place and camera are taken out of it."),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": PICTURE_TYPES}),
    )
    picture_alt = forms.CharField(
        label=_("What the picture shows"),
        help_text=_("For who cannot see it: “The till’s screen with the red message”."),
        max_length=MAX_ALT_CHARACTERS,
        required=False,
    )
    corrects = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)


class KnownForm(forms.Form):
    """What is known now; `seen` is the number of the summary that it was written over."""

    text = forms.CharField(
        label=_("What is known now"),
        help_text=_("Two or three sentences: what does not work, since when, for whom, what is being done."),
        max_length=MAX_KNOWN_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)


class WordForm(forms.Form):
    """A public word; `seen` is the number of the last one that its writer read."""

    status = forms.ChoiceField(label=_("Where we are"), choices=list(WORD_STATUSES.items()))
    text_fr = forms.CharField(
        label=_("In French"),
        help_text=_("As you would say it at the counter: what does not work, what works, when you speak again."),
        max_length=MAX_WORD_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "lang": "fr"}),
    )
    text_en = forms.CharField(
        label=_("In English"),
        max_length=MAX_WORD_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "lang": "en"}),
    )
    one_language_reason = forms.CharField(
        label=_("Why in one language only"),
        help_text=_("Only where one of the two is left out."),
        max_length=MAX_REASON_CHARACTERS,
        required=False,
    )
    ahead = forms.ChoiceField(label=_("The next word follows"), choices=AHEAD)
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, tier: Tier, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest = LONGEST_PROMISE[tier]
        within = [(minutes, label) for minutes, label in AHEAD if timedelta(minutes=int(minutes)) <= longest]
        self.fields["ahead"].choices = within  # type: ignore[attr-defined]  # a field of choices

    @property
    def is_last(self) -> bool:
        """Whether it says that all is over: then no further word is promised."""
        return str(self.cleaned_data["status"]) == WordStatus.RESOLVED
