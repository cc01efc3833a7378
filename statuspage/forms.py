"""What release managers fill in about the public page."""

from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from flags.forms import ReasonedForm
from flags.models import Environment, Flag, Site
from recovery.models import Target
from statuspage.domain.affecting import ComponentKind
from statuspage.labels import KINDS
from statuspage.models import Component
from statuspage.transitions import MAX_DESCRIPTION, MAX_HOTLINE, MAX_NAME, MOST_POSITION


class PageForm(ReasonedForm):
    """The page's name, and whom to call."""

    name_fr = forms.CharField(label=_("Name in French"), max_length=MAX_NAME)
    name_en = forms.CharField(label=_("Name in English"), max_length=MAX_NAME)
    hotline = forms.CharField(
        label=_("Support hotline"), max_length=MAX_HOTLINE, required=False, help_text=_("Stands on the public page.")
    )


class PublicForm(ReasonedForm):
    """What of an environment everybody may see."""

    is_public = forms.BooleanField(
        label=_("Its components and incidents are public"),
        required=False,
        help_text=_("Of incidents only what was said publicly; titles, notes and names never."),
    )
    shows_maintenance = forms.BooleanField(
        label=_("What is planned is announced"),
        required=False,
        help_text=_(
            "Of the rollout calendar from the pilot on, two weeks ahead, and not what testers get; and maintenance that"
            " is announced on the status page."
        ),
    )
    shows_rollouts = forms.BooleanField(
        label=_("Releases under way are shown"),
        required=False,
        help_text=_("Their version, how far they are, and what was taken back; never why."),
    )
    lists_unspoken = forms.BooleanField(
        label=_("What nobody spoke of within 5 minutes is listed"),
        required=False,
        help_text=_("Critical and important incidents, with fixed words and their components alone."),
    )


class ComponentForm(ReasonedForm):
    """A component's words, and whether it is shown."""

    name_fr = forms.CharField(label=_("Name in French"), max_length=MAX_NAME)
    name_en = forms.CharField(label=_("Name in English"), max_length=MAX_NAME)
    description_fr = forms.CharField(label=_("Description in French"), max_length=MAX_DESCRIPTION, required=False)
    description_en = forms.CharField(label=_("Description in English"), max_length=MAX_DESCRIPTION, required=False)
    position = forms.IntegerField(
        label=_("Place in the order"), min_value=0, max_value=MOST_POSITION, help_text=_("The lowest stands first.")
    )
    is_shown = forms.BooleanField(label=_("Shown on the public page"), required=False, initial=True)

    @property
    def values(self) -> dict[str, Any]:
        """What the component's columns are to hold."""
        return {name: value for name, value in self.cleaned_data.items() if name != "reason"}


class NewComponentForm(ComponentForm):
    """A component, with what it is one of."""

    field_order = ("kind", "site", "target", "flags")

    kind = forms.ChoiceField(label=_("Kind"), choices=[(str(one), KINDS[one]) for one in ComponentKind])
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), required=False, help_text=_("Of a site."))
    target = forms.ModelChoiceField(
        Target.objects.none(),
        label=_("Target"),
        required=False,
        help_text=_("Of a back end: the only one it is. None: every target of the environment."),
    )
    flags = forms.ModelMultipleChoiceField(
        Flag.objects.none(),
        label=_("Flags"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Of a feature: incidents that name one of them touch it."),
    )

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = Component.objects.filter(environment=environment).aggregate(at=Max("position"))["at"]
        self.fields["position"].initial = min((last or 0) + 10, MOST_POSITION)
        used = Component.objects.filter(environment=environment, site__isnull=False).values("site")
        for name, rows in (
            ("site", Site.objects.exclude(pk__in=used)),
            ("target", Target.objects.filter(environment=environment, retired_at__isnull=True)),
            ("flags", Flag.objects.order_by("key")),
        ):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]  # each chooses among rows

    @property
    def values(self) -> dict[str, Any]:
        found = super().values
        return found | {"flag_keys": [flag.key for flag in found.pop("flags")]}


def values_of(component: Component) -> dict[str, Any]:
    """Return what a form of a component begins with."""
    return {name: getattr(component, name) for name in ComponentForm.base_fields if name != "reason"}
