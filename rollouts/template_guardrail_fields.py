"""The fields of a phase's form that override guardrails, lane by lane."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from flags.domain.bucketing import TOTAL_BP
from health.domain.guardrail import LIMITS, Unit
from health.models import GuardrailScope, Mode
from rollouts.domain.phase_guardrails import PhaseGuardrail, list_modes

PERCENT_BP = TOTAL_BP // 100
_AS_SET = ("", _("as set for the environment"))
#: The field of a lane's limit, by its unit.
_LIMIT_FIELDS = {Unit.SHARE: "percent", Unit.A_DAY: "a_day"}


def make_fields(lane: str) -> dict[str, forms.Field]:
    """Return the fields of a lane, by name: what it has."""
    limits, help_text = LIMITS[lane], _("Empty: as set for the environment.")
    modes = [_AS_SET, *((mode, Mode(mode).label) for mode in list_modes(lane))]
    fields: dict[str, forms.Field] = {
        f"{lane}_mode": forms.ChoiceField(label=_("What it does"), choices=modes, required=False)
    }
    if limits.unit == Unit.SHARE:
        fields[f"{lane}_percent"] = forms.DecimalField(
            label=_("Limit in percent"),
            required=False,
            min_value=limits.least // PERCENT_BP,
            max_value=limits.most // PERCENT_BP,
            decimal_places=2,
            help_text=help_text,
        )
    if limits.unit == Unit.A_DAY:
        fields[f"{lane}_a_day"] = forms.IntegerField(
            label=_("So many a day are borne"),
            required=False,
            min_value=limits.least,
            max_value=limits.most,
            help_text=help_text,
        )
    if limits.by_flag:
        fields[f"{lane}_scope"] = forms.ChoiceField(
            label=_("What goes off in mode roll back"), choices=[_AS_SET, *GuardrailScope.choices], required=False
        )
    return fields


def read_guardrails(data: Mapping[str, Any]) -> tuple[PhaseGuardrail, ...]:
    """Return what was filled in; a lane without an answer is as the environment has it."""
    found = (read_guardrail(lane, data) for lane in LIMITS)
    return tuple(one for one in found if not one.is_empty)


def read_guardrail(lane: str, data: Mapping[str, Any]) -> PhaseGuardrail:
    """Return what was filled in for one lane, which may be nothing."""
    return PhaseGuardrail(lane, data[f"{lane}_mode"], _read_limit(lane, data), data.get(f"{lane}_scope", ""))


def _read_limit(lane: str, data: Mapping[str, Any]) -> int | None:
    unit = LIMITS[lane].unit
    value = data.get(f"{lane}_{_LIMIT_FIELDS.get(unit)}")
    if value is None:
        return None
    return int(value * PERCENT_BP) if unit == Unit.SHARE else int(value)


def describe_guardrail(one: PhaseGuardrail) -> dict[str, Any]:
    """Return what the fields of its lane hold."""
    held: dict[str, Any] = {f"{one.lane}_mode": one.mode, f"{one.lane}_scope": one.scope}
    if one.limit is not None:
        is_share = LIMITS[one.lane].unit == Unit.SHARE
        name = f"{one.lane}_{_LIMIT_FIELDS[LIMITS[one.lane].unit]}"
        held[name] = Decimal(one.limit) / PERCENT_BP if is_share else one.limit
    return held
