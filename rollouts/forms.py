"""What a release manager fills in."""

from collections.abc import Sequence
from datetime import time
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.models import Environment, Segment, SegmentMember, Site
from flags.transitions import NewMember
from rollouts.models import Release
from rollouts.transitions import PlanRequest


class PlanForm(forms.Form):
    """A plan: what, where, from when, with whom, in which order."""

    release = forms.ModelChoiceField(Release.objects.all(), label=_("Release"))
    environment = forms.ModelChoiceField(Environment.objects.all(), label=_("Environment"))
    start_on = forms.DateField(
        label=_("Start day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    promotion_time = forms.TimeField(
        label=_("Hour of promotions at the sites"),
        initial=time(6),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    testers = forms.ModelChoiceField(Segment.objects.all(), label=_("Testers of the internal phase"))
    pilots = forms.MultipleChoiceField(
        label=_("Pilot cashiers"), widget=forms.CheckboxSelectMultiple, help_text=_("Three to five say most.")
    )
    sites = forms.CharField(
        label=_("Order of the sites"),
        help_text=_("Keys with commas, the first goes first. Leave one out and it gets the release with everyone."),
    )
    is_rehearsal = forms.BooleanField(label=_("Rehearsal: days of a few seconds, from now"), required=False)
    day_seconds = forms.IntegerField(
        label=_("Length of a rehearsal's day, in seconds"), required=False, min_value=1, max_value=86_400, initial=60
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        members = SegmentMember.objects.select_related("site").order_by("targeting_key", "pk")
        self._people = {member.targeting_key: member for member in members}
        pilots = cast("forms.MultipleChoiceField", self.fields["pilots"])
        pilots.choices = [(key, _label(member)) for key, member in self._people.items()]
        self.fields["sites"].initial = ", ".join(Site.objects.values_list("key", flat=True))

    def clean_sites(self) -> list[int]:
        """Return the primary keys of the sites in the order typed."""
        keys = [key.strip() for key in self.cleaned_data["sites"].split(",") if key.strip()]
        found = dict(Site.objects.filter(key__in=keys).values_list("key", "pk"))
        if unknown := [key for key in keys if key not in found]:
            raise forms.ValidationError(_("There is no site %(site)s."), params={"site": unknown[0]})
        if len(set(keys)) != len(keys):
            raise forms.ValidationError(_("A site stands twice in the order."))
        return [found[key] for key in keys]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("is_rehearsal") and not data.get("start_on"):
            self.add_error("start_on", _("Choose a start day, or a rehearsal."))
        if data.get("is_rehearsal") and not data.get("day_seconds"):
            self.add_error("day_seconds", _("Say how long a day lasts."))
        return data

    def to_request(self) -> PlanRequest:
        """Return the plan asked for by a valid form."""
        data = self.cleaned_data
        rehearsal = data["is_rehearsal"]
        return PlanRequest(
            release_id=data["release"].pk,
            environment_id=data["environment"].pk,
            testers_id=data["testers"].pk,
            pilots=tuple(self._pilots(data["pilots"])),
            site_ids=tuple(data["sites"]),
            start_on=None if rehearsal else data["start_on"],
            day_seconds=data["day_seconds"] if rehearsal else None,
            promotion_time=data["promotion_time"],
        )

    def _pilots(self, keys: Sequence[str]) -> list[NewMember]:
        chosen = [self._people[key] for key in keys]
        return [NewMember(member.targeting_key, member.label, member.site_id) for member in chosen]


def _label(member: SegmentMember) -> str:
    name = member.label or member.targeting_key
    return f"{name} ({member.site})" if member.site else name
