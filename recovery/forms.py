"""What people fill in about targets, restore points and rollbacks."""

import shlex
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.templatetags.portal import moment
from flags.models import Environment, Site, check_key
from recovery.domain.names import split_command
from recovery.models import RestorePoint, Target
from recovery.transitions.targeting import LONGEST_RTO_SECONDS, MOST_POINTS, TargetWish
from recovery.transitions.wishes import MOST_LABEL_CHARACTERS, MOST_VERSION_CHARACTERS


class CommandField(forms.CharField):
    """A command as its words; no shell ever reads it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=1_000, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            return split_command(text or "")
        except ValueError:
            raise forms.ValidationError(_("A quotation mark is missing its second one.")) from None

    def prepare_value(self, value: Any) -> Any:
        return shlex.join(value) if isinstance(value, list) else value


class TargetForm(forms.Form):
    """A target: what runs there, its database, how it is looked at."""

    key = forms.CharField(label=_("Key"), max_length=60, validators=[check_key])
    name = forms.CharField(label=_("Name"), max_length=100)
    environment = forms.ModelChoiceField(Environment.objects.all(), label=_("Environment"), empty_label=None)
    site = forms.ModelChoiceField(
        Site.objects.all(), label=_("Site"), required=False, empty_label=_("the whole environment")
    )
    is_for_drills = forms.BooleanField(
        label=_("For drills"),
        required=False,
        help_text=_("Drills may take its application down. Never tick it for a production target."),
    )
    database = forms.CharField(
        label=_("Where its database’s address is"),
        max_length=100,
        required=False,
        help_text=_("env:TARGET_… (a variable of the worker) or file:… (in the folder of secrets). Never the address."),
    )
    receipts = forms.CharField(
        label=_("Receipt numbers"),
        max_length=130,
        required=False,
        help_text=_("table.column, like tickets.number: gaps are reported, and no number is given twice."),
    )
    checks_folder = forms.CharField(
        label=_("Folder of your own checks"),
        max_length=300,
        required=False,
        help_text=_("SQL files on the worker’s machine; each gives a row for whatever is wrong."),
    )
    kept_points = forms.IntegerField(label=_("Restore points kept"), min_value=1, max_value=MOST_POINTS, initial=7)
    folder = forms.CharField(
        label=_("Folder of the compose project"),
        max_length=300,
        required=False,
        help_text=_("Leave empty where only a database is looked after."),
    )
    host = forms.CharField(
        label=_("Host"), max_length=200, required=False, help_text=_("ssh://user@host:port; empty: this machine.")
    )
    compose_file = forms.CharField(label=_("Compose file"), max_length=100, initial="docker-compose.yml")
    project = forms.CharField(label=_("Project"), max_length=60, required=False)
    service = forms.CharField(label=_("Service"), max_length=60, required=False)
    command_service = forms.CharField(
        label=_("Service for commands"),
        max_length=60,
        required=False,
        help_text=_("Where migrations and tests run in another service than the one that serves."),
    )
    image_variable = forms.CharField(
        label=_("Variable of the image"),
        max_length=60,
        required=False,
        help_text=_("As the compose file names it: image: ${TILL_IMAGE}."),
    )
    migrate = CommandField(label=_("Command that migrates"))
    reverse = CommandField(label=_("Command that reverses migrations"))
    smoke = CommandField(label=_("Smoke test"))
    health_url = forms.CharField(label=_("Health address"), max_length=300, required=False)
    rto_seconds = forms.IntegerField(
        label=_("Recovery time objective, in seconds"), min_value=1, max_value=LONGEST_RTO_SECONDS, initial=300
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    #: For the page: what belongs together.
    GROUPS = (
        ("key", "name", "environment", "site", "is_for_drills", "rto_seconds"),
        ("database", "receipts", "checks_folder", "kept_points"),
        (
            *("folder", "host", "compose_file", "project", "service", "command_service", "image_variable"),
            *("migrate", "reverse", "smoke", "health_url"),
        ),
    )

    def groups(self) -> list[list[forms.BoundField]]:
        """Return the fields as the page shows them: what it is, its database, its application."""
        return [[self[name] for name in names if name in self.fields] for names in self.GROUPS]

    @property
    def wish(self) -> TargetWish:
        """Return what was filled in, as the transition takes it."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in {"key", "reason"}}
        environment, site = data.pop("environment"), data.pop("site")
        return TargetWish(environment_id=environment.pk, site_id=site.pk if site else None, **data)


class TargetEditForm(TargetForm):
    """A target that is there: its key stays."""

    key = None  # type: ignore[assignment]  # Django's way to leave a field out

    @staticmethod
    def initial_of(target: Target) -> dict[str, Any]:
        """Return a target as the form shows it."""
        return {name: getattr(target, name) for name in TargetForm.base_fields if hasattr(target, name)}


class TakeForm(forms.Form):
    label = forms.CharField(label=_("Label"), max_length=MOST_LABEL_CHARACTERS, required=False)
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class DeployForm(forms.Form):
    version = forms.CharField(label=_("Version"), max_length=MOST_VERSION_CHARACTERS)
    image = forms.CharField(
        label=_("Image"), max_length=300, help_text=_("By its digest: name@sha256:… A tag may mean another tomorrow.")
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class PointForm(forms.Form):
    label = forms.CharField(label=_("Label"), max_length=MOST_LABEL_CHARACTERS, required=False)
    is_kept = forms.BooleanField(
        label=_("Keep it"), required=False, help_text=_("Whatever the rule says, until this tick is gone.")
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class PointChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Chooses a restore point by when it was taken and what it is called."""

    def label_from_instance(self, obj: RestorePoint) -> str:
        return " · ".join(filter(None, [moment(obj.taken_at), obj.version, obj.label]))


class RollBackForm(forms.Form):
    """What goes back, and to what."""

    with_application = forms.BooleanField(label=_("The application, to the image before"), required=False)
    point = PointChoice(
        RestorePoint.objects.none(),
        label=_("The database, to this restore point"),
        required=False,
        empty_label=_("not the database"),
    )
    accepts_losses = forms.BooleanField(
        label=_("Do not wait for me"),
        required=False,
        help_text=_("Rows written since are archived and lost. Without this tick you see the count and decide."),
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(self, *args: Any, target: Target, has_image: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        point = cast("PointChoice", self.fields["point"])
        point.queryset = target.restore_points.filter(status="verified").defer("manifest")
        if not has_image:
            del self.fields["with_application"]
        if not target.database:
            del self.fields["point"], self.fields["accepts_losses"]
