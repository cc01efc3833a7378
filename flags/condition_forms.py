"""Conditions as people type them: an attribute, a verb that knows its type, and a value in one line."""

from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from flags.domain.conditions import ATTRIBUTE, MAX_CONDITIONS, Condition, ConditionFault, Operator, parse_conditions
from flags.form_lines import with_another_line
from flags.labels import CONDITION_FAULTS, CONDITION_TYPES, OPERATORS

PREFIX = "c"
#: What a value is typed as, and the operators that take it so.
_TYPES: dict[str, tuple[Operator, ...]] = {
    "text": (Operator.EQUALS, Operator.ONE_OF, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS),
    "number": (
        Operator.EQUALS,
        Operator.ONE_OF,
        Operator.LESS,
        Operator.AT_MOST,
        Operator.MORE,
        Operator.AT_LEAST,
    ),
    "boolean": (Operator.EQUALS,),
    "version": tuple(one for one in Operator if one.startswith("version_")),
}
#: What people type for yes and no, in either language.
TYPED_BOOLEANS = {
    word: value
    for value, words in ((True, ("true", "yes", "vrai", "oui")), (False, ("false", "no", "faux", "non")))
    for word in words
}


@dataclass(frozen=True)
class Verb:
    """What stands between attribute and value, e.g. `number not equals` as an option's value."""

    type: str
    operator: Operator
    is_negated: bool

    @property
    def name(self) -> str:
        return f"not {self.operator}" if self.is_negated else str(self.operator)

    @property
    def code(self) -> str:
        return f"{self.type} {self.name}"


VERBS = {
    verb.code: verb
    for verb in (
        Verb(kind, operator, is_negated)
        for kind, operators in _TYPES.items()
        for operator in operators
        for is_negated in (False, True)
    )
}


def _list_choices() -> list[tuple[Any, list[tuple[str, Any]]]]:
    return [
        (CONDITION_TYPES[kind], [(verb.code, OPERATORS[verb.name]) for verb in VERBS.values() if verb.type == kind])
        for kind in _TYPES
    ]


class ConditionForm(forms.Form):
    """One line; an empty one asks nothing."""

    attribute = forms.CharField(
        label=_("Attribute"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"list": "attributes", "autocomplete": "off", "spellcheck": "false"}),
    )
    verb = forms.ChoiceField(label=_("Comparison"), choices=_list_choices)
    value = forms.CharField(
        label=_("Value"), max_length=4_000, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def clean(self) -> dict[str, Any]:
        """Add the `condition`, None of an empty line; say which part is wrong."""
        data = self.cleaned_data
        data["condition"] = None
        attribute, verb, text = data.get("attribute", ""), VERBS.get(data.get("verb", "")), data.get("value", "")
        if not attribute and not text:
            return data
        if not ATTRIBUTE.fullmatch(attribute):
            self.add_error("attribute", str(CONDITION_FAULTS["attribute"]))
        elif verb is not None:
            stored = {"attribute": attribute, "operator": str(verb.operator), "negated": verb.is_negated}
            try:
                (data["condition"],) = parse_conditions([stored | {"value": _read_value(verb, text)}])
            except (ConditionFault, ValueError):
                self.add_error("value", str(CONDITION_FAULTS[verb.type]))
        return data


class BaseConditionFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # no generic at run time
    """Lines that must all hold."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What was asked, in order."""
        return tuple(form.cleaned_data["condition"] for form in self.forms if form.cleaned_data.get("condition"))


ConditionFormSet = cast(
    "type[BaseConditionFormSet]",
    forms.formset_factory(
        ConditionForm,
        formset=BaseConditionFormSet,
        extra=0,
        max_num=MAX_CONDITIONS,
        absolute_max=MAX_CONDITIONS,
        validate_max=True,
    ),
)


def _read_value(verb: Verb, text: str) -> object:
    """Return a typed value; raises ValueError where it is none."""
    if verb.operator is Operator.ONE_OF:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_read_number(part) for part in parts] if verb.type == "number" else parts
    if verb.type == "number":
        # A comma of decimals, as French keyboards have it.
        return _read_number(text.strip().replace(",", "."))
    if verb.type == "boolean":
        return TYPED_BOOLEANS.get(text.strip().lower())
    return text


def _read_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def write_conditions(conditions: tuple[Condition, ...]) -> dict[str, str]:
    """Return conditions as the form set's data, with an empty line behind them."""
    lines: dict[str, str] = {}
    for number, condition in enumerate(conditions):
        value = condition.value
        sample = value[0] if isinstance(value, tuple) else value
        kind = "version" if condition.operator.startswith("version_") else _name_type(sample)
        lines |= {
            f"{PREFIX}-{number}-attribute": condition.attribute,
            f"{PREFIX}-{number}-verb": Verb(kind, condition.operator, condition.is_negated).code,
            f"{PREFIX}-{number}-value": _write_value(value),
        }
    total = min(len(conditions) + 1, MAX_CONDITIONS)
    return lines | {f"{PREFIX}-TOTAL_FORMS": str(total), f"{PREFIX}-INITIAL_FORMS": "0"}


def _name_type(value: object) -> str:
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _write_value(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_write_value(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def with_another_condition(data: QueryDict) -> MultiValueDict[str, str]:
    """Return what was posted with one more empty condition, as far as conditions go."""
    return with_another_line(data, prefix=PREFIX, most=MAX_CONDITIONS)
