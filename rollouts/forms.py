"""What a release manager fills in."""

from collections.abc import Sequence
from datetime import time
from typing import Any, cast

from django import forms
from django.db.models import Count
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from flags.models import Environment, Segment, SegmentMember, Site
from flags.transitions import NewMember
from rollouts.models import Release
from rollouts.queries import list_tester_segments
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
    sites = forms.MultipleChoiceField(
        label=_("Order of the sites"),
        help_text=_("One a day, from the top. A site left out gets the release with everyone."),
        error_messages={"required": _("Choose at least one site.")},
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
        sites_by_name = Site.objects.annotate(till_count=Count("tills")).order_by("name")
        self._sites = {site.key: site for site in sites_by_name}
        sites = cast("forms.MultipleChoiceField", self.fields["sites"])
        sites.choices = [(key, site.name) for key, site in self._sites.items()]
        sites.initial = list(self._sites)
        testers = cast("forms.ModelChoiceField[Segment]", self.fields["testers"])
        testers.queryset = list_tester_segments()

    @property
    def site_rows(self) -> list[tuple[Site, bool]]:
        """Return every site in the order chosen so far, with whether it is part of the plan."""
        chosen = [key for key in self["sites"].value() or [] if key in self._sites]
        order = [key for key in self._read_order() if key in self._sites]
        keys = list(dict.fromkeys([*order, *chosen, *self._sites]))
        return [(self._sites[key], key in chosen) for key in keys]

    def _read_order(self) -> list[str]:
        if isinstance(self.data, QueryDict):
            return self.data.getlist("site_order")
        return list(self.initial.get("site_order", []))

    def clean_sites(self) -> list[int]:
        """Return the primary keys of the sites in the order posted."""
        keys = self.cleaned_data["sites"]
        if len(set(keys)) != len(keys):
            raise forms.ValidationError(_("A site stands twice in the order."))
        return [self._sites[key].pk for key in keys]

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


def move_site(posted: QueryDict) -> dict[str, Any]:
    """Return a plan form's initial values from what was posted, with one site moved a place up or down.

    The button's value is "<site key>:up" or "<site key>:down"; anything else moves nothing.
    """
    key, _colon, direction = posted.get("move", "").rpartition(":")
    order = list(dict.fromkeys(posted.getlist("site_order")))
    if key in order and direction in {"up", "down"}:
        start = order.index(key)
        end = min(max(start + (1 if direction == "down" else -1), 0), len(order) - 1)
        order.insert(end, order.pop(start))
    many = {name: posted.getlist(name) for name in ("pilots", "sites")}
    return {**posted.dict(), **many, "site_order": order}


def _label(member: SegmentMember) -> str:
    name = member.label or member.targeting_key
    return f"{name} ({member.site})" if member.site else name
