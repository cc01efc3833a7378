"""What was learnt of an incident."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from incidents.domain.gaps import compose_cause
from incidents.domain.reviewing import Visibility
from incidents.learning_queries import TEXTS
from incidents.models import PostMortem
from incidents.models.post_mortems import WHYS
from incidents.post_mortem_labels import SECTIONS
from incidents.transitions.locking import MAX_TEXT_CHARACTERS
from incidents.transitions.writing import MAX_PUBLIC_TITLE_CHARACTERS, MAX_WHY_CHARACTERS

HELP: dict[str, str | Promise] = {
    "root_cause": _("Why could it happen? Not who: what in the system, the plan, the test."),
    "impact": _("Who was hit, for how long, how many sales."),
    "detection": _("How was it noticed, after how long, and what would have shown it earlier?"),
    "went_well": _("What helped and should stay as it is."),
    "went_badly": _("What cost time or made it worse."),
    "lucky": _("What could have been worse but for chance; “nothing” is an answer, too."),
    "documentation_updates": _("Which pages change, or why none needs to."),
}
VISIBILITIES: dict[str, str | Promise] = {
    Visibility.INTERNAL: _("the people of this portal"),
    Visibility.PUBLIC: _("everybody: the public title and text, no names, no timeline"),
}
WHY = [f"why_{number}" for number in range(1, WHYS + 1)]


class PostMortemForm(forms.Form):
    """The post-mortem's texts; `seen` is the version they were read in."""

    repeats = forms.IntegerField(
        label=_("Same root cause as incident"),
        help_text=_("The number of an earlier incident, if it is the same trouble again."),
        required=False,
        min_value=1,
        max_value=2**31,
    )
    visibility = forms.ChoiceField(
        label=_("Who may read it once it is published"), choices=list(VISIBILITIES.items()), required=False
    )
    public_title = forms.CharField(
        label=_("Public title"),
        max_length=MAX_PUBLIC_TITLE_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    public_text = forms.CharField(
        label=_("Public text"),
        help_text=_("For customers: what they noticed, what was done, what changes. No names of people."),
        max_length=MAX_TEXT_CHARACTERS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, name in enumerate(WHY):
            self.fields[name] = forms.CharField(
                label=_("Why is that?") if number else _("Why did it happen?"),
                max_length=MAX_WHY_CHARACTERS,
                required=False,
                widget=forms.Textarea(attrs={"rows": 1}),
            )
        for name, label in SECTIONS.items():
            self.fields[name] = forms.CharField(
                label=str(label),
                help_text=str(HELP[name]),
                max_length=MAX_TEXT_CHARACTERS,
                required=False,
                widget=forms.Textarea(attrs={"rows": 3}),
            )

    def whys(self) -> Iterator[tuple[BoundField, str]]:
        """Yield the five fields, each with the answer that it asks about."""
        before = ""
        for name in WHY:
            yield self[name], before
            before = str(self[name].value() or "")

    def sections(self) -> Iterator[BoundField]:
        """Yield the fields of the sections, in the order they are read."""
        return (self[name] for name in SECTIONS)

    @property
    def wishes(self) -> dict[str, Any]:
        """What the transition is asked to write."""
        given = self.cleaned_data
        return {
            "texts": {name: given[name] for name in TEXTS},
            "whys": [given[name] for name in WHY],
            "visibility": given["visibility"] or Visibility.INTERNAL,
            "repeats_id": given["repeats"],
            "seen": given["seen"],
        }


def read_initial(post_mortem: PostMortem, *, seen: int) -> dict[str, Any]:
    """Return what the form begins with."""
    texts = {name: getattr(post_mortem, name) for name in TEXTS}
    whys = dict(zip(WHY, post_mortem.whys, strict=False))
    return texts | whys | {"repeats": post_mortem.repeats_id, "visibility": post_mortem.visibility, "seen": seen}


def compose_into(data: Mapping[str, str]) -> dict[str, str]:
    """Return a form's data with the answers to "why?" as its root cause, below what stands there already."""
    composed = compose_cause(data.get(name, "") for name in WHY)
    said = data.get("root_cause", "").strip()
    if composed in said:
        return {**data}
    return {**data, "root_cause": f"{said}\n\n{composed}".strip()}
