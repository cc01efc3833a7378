"""What people fill in about targets, restore points and rollbacks."""

import shlex
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from core.templatetags.portal import moment
from flags.models import Environment, Site, check_key
from recovery.domain.names import split_command
from recovery.models import Deployment, RestorePoint, Target
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
    database_variable = forms.CharField(
        label=_("Variable of its address"),
        max_length=60,
        required=False,
        help_text=_("From which its commands read it, like DATABASE_URL: rehearsals put a copy’s address there."),
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
    reverse = CommandField(
        label=_("Command that reverses migrations"),
        help_text=_("{name} stands for the migration to go back to, {app} for its app: migrate {app} {name}."),
    )
    smoke = CommandField(label=_("Smoke test"))
    health_url = forms.CharField(label=_("Health address"), max_length=300, required=False)
    rto_seconds = forms.IntegerField(
        label=_("Recovery time objective, in seconds"), min_value=1, max_value=LONGEST_RTO_SECONDS, initial=300
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    #: For the page: what belongs together.
    GROUPS = (
        ("key", "name", "environment", "site", "is_for_drills", "rto_seconds"),
        ("database", "database_variable", "receipts", "checks_folder", "kept_points"),
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
    """A release for a target. `needs_word`: its migrations cannot be gone back behind, or nobody has tried."""

    version = forms.CharField(label=_("Version"), max_length=MOST_VERSION_CHARACTERS)
    image = forms.CharField(
        label=_("Image"), max_length=300, help_text=_("By its digest: name@sha256:… A tag may mean another tomorrow.")
    )
    accepts_migrations = forms.BooleanField(
        label=_("Deploy nevertheless"),
        required=False,
        help_text=_("Back goes only its restore point then, and what was sold since is lost."),
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class PointChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    """Chooses a restore point by when it was taken and what it is called."""

    def label_from_instance(self, obj: RestorePoint) -> str:
        return " · ".join(filter(None, [moment(obj.taken_at), obj.version, obj.label]))


def offer_points(form: forms.Form, target: Target) -> None:
    """Let a form's field `point` offer what the target can be taken back to."""
    point = cast("PointChoice", form.fields["point"])
    point.queryset = target.restore_points.filter(status="verified").defer("manifest")


class RehearseForm(forms.Form):
    version = forms.CharField(label=_("Version"), max_length=MOST_VERSION_CHARACTERS)
    image = forms.CharField(label=_("Image"), max_length=300, help_text=_("By its digest: name@sha256:…"))
    point = PointChoice(RestorePoint.objects.none(), label=_("On a copy of this restore point"), empty_label=None)
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(self, *args: Any, target: Target, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_points(self, target)


class DrillForm(forms.Form):
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class PointForm(forms.Form):
    label = forms.CharField(label=_("Label"), max_length=MOST_LABEL_CHARACTERS, required=False)
    is_kept = forms.BooleanField(
        label=_("Keep it"), required=False, help_text=_("Whatever the rule says, until this tick is gone.")
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)


class RollBackForm(forms.Form):
    """What goes back, and to what."""

    with_application = forms.BooleanField(label=_("The application, to the image before"), required=False)
    point = PointChoice(
        RestorePoint.objects.none(),
        label=_("The database, to this restore point"),
        required=False,
        empty_label=_("not the database"),
    )
    reverses = forms.BooleanField(
        label=_("Go back behind its migrations, and keep what was sold"),
        required=False,
        help_text=_("Instead of a restore point. What only the new release could hold is lost."),
    )
    accepts_losses = forms.BooleanField(
        label=_("Accept the loss without asking me again"),
        required=False,
        help_text=_("Rows written since are archived and lost. Without this tick you see the count and decide."),
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(self, *args: Any, target: Target, deployment: Deployment | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_points(self, target)
        if deployment is None or not deployment.previous_image:
            del self.fields["with_application"]
        if deployment is None or not deployment.reversals or not target.reverse:
            del self.fields["reverses"]
        if not target.database:
            del self.fields["point"], self.fields["accepts_losses"]
