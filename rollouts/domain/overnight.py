"""What a guardrail said until the shops closed counts when the next phase begins, before they open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from health.domain.verdict import Judgement, Verdict

#: Codes of judgements that saw nothing to judge: the shops are closed, or nothing reports.
#: A query divides by no requests (NaN), or finds no series; one that nobody answers is not asleep.
NO_DATA = frozenset(
    {
        *("no_data", "no_requests", "too_few_requests", "source_silent"),
        *("query_no_data", "query_not_a_number"),
    }
)
#: A pass counts for a step only if it lasted so long behind it: the longest window has gone by.
LEAST = timedelta(minutes=15)


@dataclass(frozen=True)
class Spell:
    """A pass of one lane on one flag, which lasted until a moment; nothing but silence followed."""

    lane: str
    flag_key: str
    ended_at: datetime
    widened_at: datetime


def carry_passes(judgements: Sequence[Judgement], spells: Collection[Spell], *, since: datetime) -> list[Judgement]:
    """Return the judgements; one without data becomes the pass before it, if that lasted until `since` or later.

    `since` is the beginning of the last day on which a site was open: a source that died before says
    nothing of that day, and holds.
    """
    passed = {
        (spell.lane, spell.flag_key) for spell in spells if spell.ended_at >= max(since, spell.widened_at + LEAST)
    }
    return [
        replace(item, verdict=Verdict.PASS, code="passed_until_closing")
        if item.code in NO_DATA and not item.k and (item.lane, item.flag_key) in passed
        else item
        for item in judgements
    ]
