"""What a release manager fills in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, cast

from django import forms
from django.conf import settings
from django.db.models import Count
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from core.fields import DayField
from flags.models import Environment, Flag, Segment, SegmentMember, Site
from flags.transitions import NewMember
from rollouts.drawing import PlanRequest
from rollouts.labels import TEMPLATES
from rollouts.models import PlanTemplateVersion, Release
from rollouts.queries import list_tester_segments
from rollouts.template_queries import list_newest_versions


@dataclass(frozen=True)
class OrderRow:
    """One line of a list that a person puts in order and chooses from."""

    value: str
    label: str
    detail: str
    is_chosen: bool


class OrderedForm(forms.Form):
    """A form with one field of several choices whose order matters: `ordered` names it.

    Beside the boxes ticked, the page posts `<field>_order` with every choice in the order shown.
    """

    ordered: str

    @property
    def rows(self) -> list[OrderRow]:
        """Return every choice in the order given so far, with whether it is chosen."""
        choices = self.describe_choices()
        chosen = [key for key in self[self.ordered].value() or [] if key in choices]
        order = [key for key in self._read_order() if key in choices]
        keys = list(dict.fromkeys([*order, *chosen, *choices]))
        return [OrderRow(key, *choices[key], key in chosen) for key in keys]

    def describe_choices(self) -> Mapping[str, tuple[str, str]]:
        """Return label and detail of every choice."""
        raise NotImplementedError

    def _read_order(self) -> list[str]:
        name = f"{self.ordered}_order"
        return self.data.getlist(name) if isinstance(self.data, QueryDict) else list(self.initial.get(name, []))


class ReleaseForm(OrderedForm):
    """A release: version, name, and its flags in the order they advance."""

    ordered = "flags"

    version = forms.CharField(label=_("Version"), max_length=50)
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    image = forms.CharField(
        label=_("Image"), help_text=_("By its digest: registry/name@sha256:…"), max_length=300, required=False
    )
    flags = forms.MultipleChoiceField(
        label=_("Flags, in the order they advance"),
        help_text=_("With the pilots they go on one by one, from the top."),
        error_messages={"required": _("Choose at least one flag.")},
    )
    reason = forms.CharField(label=_("Why"), max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._flags = {str(flag.pk): flag for flag in Flag.objects.filter(archived_at__isnull=True).order_by("key")}
        flags = cast("forms.MultipleChoiceField", self.fields["flags"])
        flags.choices = [(value, flag.name) for value, flag in self._flags.items()]

    def describe_choices(self) -> dict[str, tuple[str, str]]:
        return {value: (flag.name, flag.key) for value, flag in self._flags.items()}

    def clean_flags(self) -> list[int]:
        """Return the primary keys of the flags in the order posted."""
        return [int(value) for value in self.cleaned_data["flags"]]

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transition."""
        data = self.cleaned_data
        return {
            "version": data["version"],
            "name": data["name"],
            "image": data["image"],
            "flag_ids": data["flags"],
            "reason": data["reason"],
        }


class TemplateField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Chooses a template by its name; what is chosen is its newest version."""

    def label_from_instance(self, obj: PlanTemplateVersion) -> str:
        return str(TEMPLATES.get(obj.template.name, obj.template.name))


class PlanForm(OrderedForm):
    """A plan: what, where, from when, with whom, in which order."""

    ordered = "sites"

    release = forms.ModelChoiceField(Release.objects.all(), label=_("Release"), empty_label=_("Choose the release"))
    environment = forms.ModelChoiceField(
        Environment.objects.all(), label=_("Environment"), empty_label=_("Choose the environment")
    )
    template = TemplateField(list_newest_versions(), label=_("Plan template"), empty_label=None, required=False)
    start_on = DayField(label=_("Start day"), required=False)
    promotion_time = forms.TimeField(
        label=_("Hour of promotions at the sites"),
        initial=time(6),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    allows_holidays = forms.BooleanField(
        label=_("May fall on French public holidays"),
        required=False,
        help_text=_("On those only on which a site is open by its weekdays or as an exception."),
    )
    testers = forms.ModelChoiceField(
        Segment.objects.all(),
        label=_("Testers of the internal phase"),
        empty_label=_("Choose the testers"),
        help_text=_("For a template whose first phase is for testers, as the one that comes with the portal."),
        required=False,
    )
    pilots = forms.MultipleChoiceField(
        label=_("Pilot cashiers"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Three to five say most."),
        required=False,
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

    def describe_choices(self) -> dict[str, tuple[str, str]]:
        return {key: (site.name, _count_tills(site.till_count)) for key, site in self._sites.items()}

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
            template_version_id=data["template"].pk if data["template"] else None,
            testers_id=data["testers"].pk if data["testers"] else None,
            pilots=tuple(self._pilots(data["pilots"])),
            site_ids=tuple(data["sites"]),
            start_on=None if rehearsal else data["start_on"],
            day_seconds=data["day_seconds"] if rehearsal else None,
            promotion_time=data["promotion_time"],
            zone=settings.TIME_ZONE,
            allows_holidays=data["allows_holidays"],
        )

    def _pilots(self, keys: Sequence[str]) -> list[NewMember]:
        chosen = [self._people[key] for key in keys]
        return [NewMember(member.targeting_key, member.label, member.site_id) for member in chosen]


def move_choice(posted: QueryDict, *, ordered: str) -> dict[str, Any]:
    """Return a form's initial values from what was posted, with one choice moved a place up or down.

    The button's value is "<choice>:up" or "<choice>:down"; anything else moves nothing.
    """
    key, _colon, direction = posted.get("move", "").rpartition(":")
    order = list(dict.fromkeys(posted.getlist(f"{ordered}_order")))
    if key in order and direction in {"up", "down"}:
        start = order.index(key)
        end = min(max(start + (1 if direction == "down" else -1), 0), len(order) - 1)
        order.insert(end, order.pop(start))
    many = {name: posted.getlist(name) for name in ("pilots", ordered)}
    return {**posted.dict(), **many, f"{ordered}_order": order}


def _count_tills(count: int) -> str:
    return ngettext("%(n)s till", "%(n)s tills", count) % {"n": count}


def _label(member: SegmentMember) -> str:
    name = member.label or member.targeting_key
    return f"{name} ({member.site})" if member.site else name
