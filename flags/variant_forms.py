"""A new flag: the type of its values, its variants, and which two are served by default and when off."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from flags.domain.values import ValueFault, ValueType, accept_variants
from flags.form_lines import with_another_line
from flags.forms import FlagForm, key_field
from flags.labels import VALUE_FAULTS, VALUE_TYPES
from flags.models import check_key

PREFIX = "v"
MOST_VARIANTS = 20
#: Plain on/off, as most flags are.
PLAIN = {
    "v-TOTAL_FORMS": "2",
    "v-INITIAL_FORMS": "0",
    "v-0-name": "on",
    "v-0-value": "true",
    "v-1-name": "off",
    "v-1-value": "false",
}


class VariantForm(forms.Form):
    """One line; one without a name is left out."""

    name = forms.CharField(label=_("Variant"), max_length=100, required=False, validators=[check_key])
    value = forms.CharField(
        label=_("Value"),
        max_length=10_000,
        required=False,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


VariantFormSet = forms.formset_factory(
    VariantForm, extra=0, max_num=MOST_VARIANTS, absolute_max=MOST_VARIANTS, validate_max=True
)


class NewFlagForm(FlagForm):
    """A flag with its key, type and variants."""

    key = key_field()
    value_type = forms.ChoiceField(label=_("Its values are"), choices=VALUE_TYPES.items(), initial=ValueType.BOOLEAN)
    default_line = forms.IntegerField(min_value=0, max_value=MOST_VARIANTS, widget=forms.HiddenInput, initial=1)
    off_line = forms.IntegerField(min_value=0, max_value=MOST_VARIANTS, widget=forms.HiddenInput, initial=1)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.lines = VariantFormSet(PLAIN if data is None else data, prefix=PREFIX)

    @property
    def chosen(self) -> dict[str, str]:
        """Which lines are served by default and when off, as the page shows them."""
        return {name: str(self[f"{name}_line"].value()) for name in ("default", "off")}

    def clean(self) -> dict[str, Any]:
        """Add `variants`, `default_variant` and `off_variant` in place of the lines."""
        data = self.cleaned_data
        default, off = data.pop("default_line", None), data.pop("off_line", None)
        if not self.lines.is_valid():
            self.add_error(None, _("Some variants are not clear yet."))
            return data
        names = [line.cleaned_data.get("name", "") for line in self.lines.forms]
        given = [name for name in names if name]
        if len(given) < 2 or len(set(given)) < len(given):
            self.add_error(None, _("A flag has at least two variants, each with a name of its own."))
            return data
        if not all(index is not None and index < len(names) and names[index] for index in (default, off)):
            self.add_error(None, _("Choose which variant is served by default, and which when the flag is off."))
            return data
        data["default_variant"], data["off_variant"] = names[default], names[off]
        self._add_variants(data)
        return data

    def _add_variants(self, data: dict[str, Any]) -> None:
        if "value_type" not in data:
            return
        kind = data["value_type"] = ValueType(data["value_type"])
        lines = [line for line in self.lines.forms if line.cleaned_data.get("name")]
        read: dict[str, object] = {}
        for line in lines:
            try:
                name = line.cleaned_data["name"]
                read |= accept_variants({name: _read(line.cleaned_data["value"], kind)}, value_type=kind)
            except (ValueFault, ValueError, RecursionError):
                line.add_error("value", str(VALUE_FAULTS[kind]))
                self.add_error(None, _("Some variants are not clear yet."))
        data["variants"] = read


def _read(text: str, kind: ValueType) -> object:
    """Return what was typed as a value: text as it is, everything else as JSON; ValueError where it is none."""
    if kind is ValueType.STRING:
        return text
    value = json.loads(text.strip(), parse_constant=_refuse)
    written = json.dumps(value, allow_nan=False, ensure_ascii=False)
    written.encode()  # half a surrogate pair, which PostgreSQL cannot keep, as little as NUL
    if "\\u0000" in written:
        raise ValueError(text)
    return value


def _refuse(name: str) -> object:
    raise ValueError(name)


def with_another_variant(data: QueryDict) -> MultiValueDict[str, str]:
    """Return what was posted with one more empty variant, as far as variants go."""
    return with_another_line(data, prefix=PREFIX, most=MOST_VARIANTS)
