"""What an incident is about, who has which part in it, and what it is merged into."""

from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.models import User
from core.templatetags.portal import moment
from flags.forms import ReasonedForm
from flags.models import Flag, Site
from incidents.link_queries import MOST_OFFERED, list_mergeable, list_rollbacks, list_rollouts
from incidents.models import Incident
from incidents.people_queries import list_handlers
from incidents.transitions import Part
from rollouts.models import Rollback, Rollout

#: What a choice's words are read from, so that many choices take as many queries as one.
NAMED_BY = {"rollout": ("release", "environment"), "rollback": ("rollout__release",)}
NAMED_OF = {"rollout": (), "rollback": ("rollback_flags__flag",)}


class RollbackField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """A rollback, by when it was, of which release, and what it took back."""

    def label_from_instance(self, obj: Any) -> str:
        """Return its words: "Wed 4 Nov, 12:00 · 1.3 · Buttons, Receipts"."""
        flags = ", ".join(one.flag.name for one in obj.rollback_flags.all())
        return " · ".join(filter(None, (moment(obj.detected_at), obj.rollout.release.version, flags)))


class SubjectForm(ReasonedForm):
    """Its flags, sites, rollout and rollback."""

    flags = forms.ModelMultipleChoiceField(
        Flag.objects.all(), label=_("Flags"), required=False, to_field_name="key", widget=forms.SelectMultiple
    )
    sites = forms.ModelMultipleChoiceField(
        Site.objects.all(), label=_("Sites"), required=False, to_field_name="key", widget=forms.CheckboxSelectMultiple
    )
    rollout = forms.ModelChoiceField(
        Rollout.objects.none(), label=_("Rollout"), required=False, empty_label=_("no rollout")
    )
    rollback = RollbackField(Rollback.objects.none(), label=_("Rollback"), required=False, empty_label=_("no rollback"))
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows, present in (
            ("rollout", list_rollouts(incident), incident.rollout_id),
            ("rollback", list_rollbacks(incident), incident.rollback_id),
        ):
            newest = list(rows.values_list("pk", flat=True)[:MOST_OFFERED])
            offered = rows.model._default_manager.filter(pk__in=[*newest, *([present] if present else [])])
            named = offered.select_related(*NAMED_BY[name]).prefetch_related(*NAMED_OF[name])
            self.fields[name].queryset = named.order_by("-pk")  # type: ignore[attr-defined]  # a field of rows


class PartForm(ReasonedForm):
    """Who commands it, or speaks for it."""

    part = forms.ChoiceField(
        label=_("Part"),
        choices=[(str(Part.COMMANDER), _("Commander")), (str(Part.COMMUNICATIONS), _("Communications"))],
    )
    person = forms.ModelChoiceField(User.objects.none(), label=_("Person"), empty_label=None)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = list_handlers()  # type: ignore[attr-defined]  # a field of rows


class MergeForm(ReasonedForm):
    """The incident that it is one event with."""

    into = forms.ChoiceField(label=_("One event with"))
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, incident: Incident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        into = cast("forms.ChoiceField", self.fields["into"])
        into.choices = [(one.pk, str(one)) for one in list_mergeable(incident)]
