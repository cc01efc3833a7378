"""Whom a rule is for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flags.domain.conditions import Condition


class RuleKind(StrEnum):
    EVERYONE = "everyone"
    SEGMENT = "segment"
    SITE = "site"
    CONDITIONS = "conditions"


#: The kinds that name somebody there is: what a rollout's steps are for.
NAMED_KINDS = (RuleKind.EVERYONE, RuleKind.SEGMENT, RuleKind.SITE)


@dataclass(frozen=True)
class RuleAudience:
    """One audience: everyone, exactly one segment or site by its primary key, or whom conditions hold."""

    kind: RuleKind
    segment_id: int | None = None
    site_id: int | None = None
    conditions: tuple[Condition, ...] = ()

    @classmethod
    def everyone(cls) -> RuleAudience:
        return cls(RuleKind.EVERYONE)

    @classmethod
    def for_segment(cls, segment_id: int) -> RuleAudience:
        return cls(RuleKind.SEGMENT, segment_id=segment_id)

    @classmethod
    def for_site(cls, site_id: int) -> RuleAudience:
        return cls(RuleKind.SITE, site_id=site_id)

    @classmethod
    def where(cls, conditions: tuple[Condition, ...]) -> RuleAudience:
        return cls(RuleKind.CONDITIONS, conditions=conditions)
