"""What a release manager fills in for a plan template: its phases, line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _

from flags.form_lines import rearrange_lines
from health.domain.guardrail import LIMITS
from rollouts.domain.template_check import FOR_PEOPLE, MOST_DAYS, MOST_PHASES
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate, SupportLevel
from rollouts.guardrail_words import name_lane
from rollouts.labels import PHASES
from rollouts.queries import list_tester_segments
from rollouts.template_guardrail_fields import PERCENT_BP, describe_guardrail, make_fields, read_guardrails
from rollouts.template_labels import ADVANCES, GATES, SUPPORT_LEVELS

PREFIX = "phase"


@dataclass(frozen=True)
class LaneFields:
    """The fields that override one guardrail."""

    name: str
    fields: Sequence[forms.BoundField]
    is_open: bool


class PhaseForm(forms.Form):
    """One phase. What its kind does not ask for is left out, whatever stands there."""

    kind = forms.ChoiceField(label=_("Kind"), choices=PHASES.items())
    days = forms.IntegerField(label=_("Plan days"), min_value=1, max_value=MOST_DAYS, initial=1)
    advance = forms.ChoiceField(label=_("The flags go on"), choices=ADVANCES.items(), initial=Advance.ONE_BY_ONE)
    flag_order = forms.CharField(
        label=_("First of all, in this order"),
        required=False,
        max_length=2_000,
        help_text=_("Keys of flags, with commas between. All others follow in the release’s order."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    slots = forms.CharField(
        label=_("Hours"),
        required=False,
        max_length=200,
        help_text=_("Such as 06:00, 11:00. Empty: the plan’s hour of promotions."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    segment = forms.ModelChoiceField(
        list_tester_segments(), label=_("For whom"), required=False, empty_label=_("Chosen with each plan")
    )
    shares = forms.CharField(
        label=_("Shares, in %"),
        required=False,
        max_length=200,
        help_text=_("Growing, such as 10, 25, 50: at most one a day."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    gates = forms.MultipleChoiceField(
        label=_("To leave it"),
        choices=GATES.items(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=[str(gate) for gate in (Gate.SOAK, Gate.GUARDRAILS)],
    )
    checklist = forms.CharField(
        label=_("Checklist"),
        required=False,
        max_length=5_000,
        help_text=_("One item a line."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    support = forms.ChoiceField(label=_("Support"), choices=SUPPORT_LEVELS.items(), initial=SupportLevel.STANDARD)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for lane in LIMITS:
            self.fields.update(make_fields(lane))

    @property
    def lanes(self) -> list[LaneFields]:
        """The fields of each guardrail; those with an answer or a fault stand open."""
        return [
            LaneFields(
                name_lane(lane),
                fields := [self[name] for name in make_fields(lane)],
                any(field.value() not in {None, ""} or field.errors for field in fields),
            )
            for lane in LIMITS
        ]

    def clean_slots(self) -> tuple[time, ...]:
        """Return the hours in order."""
        try:
            return tuple(sorted({time.fromisoformat(word) for word in _split(self.cleaned_data["slots"])}))
        except ValueError:
            raise forms.ValidationError(_("Write hours such as 06:00, 11:00.")) from None

    def clean_shares(self) -> tuple[int, ...]:
        """Return the shares in basis points."""
        try:
            shares = [Decimal(word.rstrip("%")) * PERCENT_BP for word in _split(self.cleaned_data["shares"])]
        except ArithmeticError:
            shares = [Decimal("NaN")]
        if any(not share.is_finite() or share != int(share) for share in shares):
            raise forms.ValidationError(_("Write shares such as 10, 25, 50."))
        return tuple(int(share) for share in shares)

    def to_phase(self) -> PhaseTemplate:
        """Return the phase of a valid form."""
        data = self.cleaned_data
        kind, advance = PhaseKind(data["kind"]), Advance(data["advance"])
        segment = data["segment"] if kind in FOR_PEOPLE else None
        return PhaseTemplate(
            kind=kind,
            days=data["days"],
            slots=data["slots"],
            advance=advance,
            flag_order=tuple(_split(data["flag_order"])) if advance is Advance.IN_ORDER else (),
            segment_key=segment.key if segment else "",
            shares_bp=data["shares"] if kind is PhaseKind.PERCENTAGE else (),
            gates=_list_gates(data["gates"], kind),
            checklist=_list_items(data["checklist"]) if Gate.CHECKLIST in data["gates"] else (),
            guardrails=read_guardrails(data),
            support=SupportLevel(data["support"]),
        )


PhaseFormSet = forms.formset_factory(
    PhaseForm, extra=0, max_num=MOST_PHASES, absolute_max=MOST_PHASES, validate_max=True, min_num=1, validate_min=True
)


class TemplateForm(forms.Form):
    """A template: its name, what it is for, and its phases in `lines`."""

    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("What it is for"), max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    reason = forms.CharField(label=_("Why"), max_length=2_000)

    def __init__(
        self, data: MultiValueDict[str, str] | None = None, *, phases: Sequence[PhaseTemplate], **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        self.lines = PhaseFormSet(data, prefix=PREFIX, initial=[_describe(phase) for phase in phases])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.lines.is_valid():
            self.add_error(None, _("Some phases are not clear yet."))
        return data

    @property
    def wishes(self) -> dict[str, Any]:
        """What was filled in: keyword arguments of the transitions."""
        data = self.cleaned_data
        phases = [line.to_phase() for line in self.lines.forms]
        return {
            "name": data["name"],
            "description": data["description"],
            "reason": data["reason"],
            "phases": phases,
        }


def rearrange_phases(data: QueryDict) -> MultiValueDict[str, str] | None:
    """Return what was posted with a phase added, moved or left out, None where nobody asks for that."""
    return rearrange_lines(data, prefix=PREFIX, most=MOST_PHASES)


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]


def _list_gates(chosen: Sequence[str], kind: PhaseKind) -> tuple[Gate, ...]:
    """Return the gates that a phase of this kind can have: after everyone nothing comes, and shops are no people."""
    gates = [Gate(gate) for gate in chosen if kind is not PhaseKind.FULL]
    return tuple(gate for gate in gates if gate is not Gate.FEEDBACK or kind in FOR_PEOPLE)


def _list_items(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _describe(phase: PhaseTemplate) -> dict[str, Any]:
    """Return a phase as its form shows it."""
    described = {
        "kind": phase.kind,
        "days": phase.days,
        "advance": phase.advance,
        "flag_order": ", ".join(phase.flag_order),
        "slots": ", ".join(f"{slot:%H:%M}" for slot in phase.slots),
        "segment": list_tester_segments().filter(key=phase.segment_key).first(),
        "shares": ", ".join(f"{share / PERCENT_BP:g}" for share in phase.shares_bp),
        "gates": [str(gate) for gate in phase.gates],
        "checklist": "\n".join(phase.checklist),
        "support": phase.support,
    }
    for one in phase.guardrails:
        described |= describe_guardrail(one)
    return described
