"""What people fill in about the migrations of a release."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from recovery.labels import REVERSIBILITIES
from recovery.models import SchemaMigration
from recovery.transitions.migrating import (
    MOST_MIGRATIONS,
    MOST_NAME_CHARACTERS,
    MOST_REVERSAL_CHARACTERS,
    Declared,
)

PREFIX = "migrations"
EMPTY_LINES = 2


class MigrationForm(forms.Form):
    """One line; one without a name is left out."""

    name = forms.CharField(
        label=_("Migration"),
        max_length=MOST_NAME_CHARACTERS,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(label=_("Going back"), choices=[("", "—"), *REVERSIBILITIES.items()], required=False)
    reversal = forms.CharField(label=_("How, by hand"), max_length=MOST_REVERSAL_CHARACTERS, required=False, strip=True)


MigrationFormSet = forms.formset_factory(
    MigrationForm, extra=EMPTY_LINES, max_num=MOST_MIGRATIONS, absolute_max=MOST_MIGRATIONS, validate_max=True
)


class MigrationsForm(forms.Form):
    """The migrations of a release, one in each of its `lines`."""

    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(
        self, data: MultiValueDict[str, str] | None = None, *, migrations: Sequence[SchemaMigration], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        known = [{"name": one.name, "kind": one.declared, "reversal": one.reversal} for one in migrations]
        self.lines = MigrationFormSet(data, prefix=PREFIX, initial=known)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.lines.is_valid():
            self.add_error(None, _("Some lines are not clear yet."))
        return data

    @property
    def wishes(self) -> list[Declared]:
        """Return what was filled in, as the transition takes it."""
        lines = [form.cleaned_data for form in self.lines]
        return [
            Declared(one["name"].strip(), one["kind"], one["reversal"]) for one in lines if one.get("name", "").strip()
        ]
