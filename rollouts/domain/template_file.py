"""A plan template as a document of a file: one declaration for its check and its published schema."""

from datetime import time
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from core.domain.documents import Format
from core.domain.yaml_writing import tidy_text
from flags.domain.bucketing import TOTAL_BP
from flags.domain.file_texts import Key
from health.domain import error_rate
from health.domain.error_rate import LEAST_THRESHOLD_BP, MOST_THRESHOLD_BP
from rollouts.domain.guardrail_file import GuardrailsFile
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.template_check import (
    MOST_DAYS,
    MOST_ITEM_CHARACTERS,
    MOST_ITEMS,
    MOST_PHASES,
    MOST_SHARES,
    MOST_SLOTS,
)
from rollouts.domain.templates import Advance, Gate, PhaseKind, PhaseTemplate, SupportLevel

KIND, VERSION = "plan-template", 1

Hour = Annotated[
    str,
    Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?(?!\n)$", examples=["06:00"]),
]
#: Fields of older files, which are read and no more written.
_OLDER = frozenset({"error_rate_mode", "error_rate_bp"})
ErrorRateMode = Literal["", "observe", "hold", "roll_back"]
Share = Annotated[int, Meta(ge=1, lt=TOTAL_BP)]
Item = Annotated[str, Meta(min_length=1, max_length=MOST_ITEM_CHARACTERS)]


class PhaseFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One phase: how long it lasts, at what hours flags go on in it, for whom, and what it asks for."""

    kind: Annotated[PhaseKind, Meta(description="Whom it reaches; each phase at least as many as the one before")]
    days: Annotated[int, Meta(ge=1, le=MOST_DAYS, description="How many plan days it lasts; for sites, at least")]
    slots: Annotated[
        tuple[Hour, ...],
        Meta(max_length=MOST_SLOTS, description="Hours of its steps, in order; without any, the plan's promotion hour"),
    ] = ()
    advance: Annotated[
        Advance, Meta(description="How flags go on: together, one by one in the release's order, or in a given order")
    ] = Advance.ONE_BY_ONE
    flag_order: Annotated[
        tuple[Key, ...], Meta(description="Keys of the flags that go first; only where `advance` is `in_order`")
    ] = ()
    segment_key: Annotated[
        Key | Literal[""],
        Meta(description="A fixed audience of an internal or pilot phase; left out, it is chosen with each plan"),
    ] = ""
    shares_bp: Annotated[
        tuple[Share, ...],
        Meta(max_length=MOST_SHARES, description="Growing shares of a percentage phase, in basis points: 2500 is 25 %"),
    ] = ()
    gates: Annotated[tuple[Gate, ...], Meta(description="What must hold before the phase after may begin; may be none")]
    checklist: Annotated[
        tuple[Item, ...], Meta(max_length=MOST_ITEMS, description="Items to tick off; asks for the gate `checklist`")
    ] = ()
    error_rate_mode: Annotated[
        ErrorRateMode, Meta(description="As in older files; write `guardrails` instead, with `error_rate`")
    ] = ""
    error_rate_bp: Annotated[
        Annotated[int, Meta(ge=LEAST_THRESHOLD_BP, le=MOST_THRESHOLD_BP)] | None,
        Meta(description="As in older files; write `guardrails` instead, with `error_rate`"),
    ] = None
    guardrails: Annotated[
        GuardrailsFile | None,
        Meta(description="What guardrails do here; what is left out, they do as set for the environment"),
    ] = None
    support: Annotated[SupportLevel, Meta(description="Heightened: people on duty, and a tighter error rate")] = (
        SupportLevel.STANDARD
    )

    def to_phase(self) -> PhaseTemplate:
        """Return the phase as plans take it."""
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name not in _OLDER}
        older = PhaseGuardrail(error_rate.LANE, self.error_rate_mode, self.error_rate_bp)
        return PhaseTemplate(
            **values
            | {
                "slots": tuple(time.fromisoformat(slot) for slot in self.slots),
                "checklist": tuple(map(tidy_text, self.checklist)),
                "guardrails": (
                    *(() if older.is_empty else (older,)),
                    *(self.guardrails.list_guardrails() if self.guardrails else ()),
                ),
            }
        )

    @classmethod
    def of(cls, phase: PhaseTemplate) -> "PhaseFile":
        """Return a phase as a file says it: hours without what is zero."""
        values = {name: getattr(phase, name) for name in cls.__struct_fields__ if name not in _OLDER}
        return cls(
            **values
            | {
                "slots": tuple(map(_write_hour, phase.slots)),
                "checklist": tuple(map(tidy_text, phase.checklist)),
                "guardrails": GuardrailsFile.of(phase.guardrails),
            }
        )


class TemplateFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A plan template: in which phases a release reaches people."""

    kind: Annotated[Literal["plan-template"], Meta(description="What this document is")]
    schema: Annotated[Literal[1], Meta(description="The version of this schema")]
    key: Annotated[Key, Meta(description="Which template: an unknown key makes a new one")]
    name: Annotated[str, Meta(min_length=1, max_length=100, description="What people read")]
    description: Annotated[str, Meta(description="What it is for")] = ""
    phases: Annotated[
        tuple[PhaseFile, ...], Meta(min_length=1, max_length=MOST_PHASES, description="In the order they come")
    ]

    @property
    def plan_phases(self) -> tuple[PhaseTemplate, ...]:
        """Its phases as plans take them."""
        return tuple(phase.to_phase() for phase in self.phases)


FORMAT = Format(KIND, VERSION, TemplateFile, title="Release Portal: a plan template")


def write_template(*, key: str, name: str, description: str, phases: tuple[PhaseTemplate, ...]) -> dict[str, Any]:
    """Return a template as a document of plain values; what is as by default is left out."""
    content = TemplateFile(
        kind="plan-template",
        schema=1,
        key=key,
        name=tidy_text(name),
        description=tidy_text(description),
        phases=tuple(map(PhaseFile.of, phases)),
    )
    document: dict[str, Any] = msgspec.to_builtins(content)
    return document


def _write_hour(hour: time) -> str:
    return hour.isoformat(timespec="auto" if hour.second or hour.microsecond else "minutes")
