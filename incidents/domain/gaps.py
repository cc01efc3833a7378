"""What a post-mortem lacks before it is published and before its incident is closed, as codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import is_open, local_day
from incidents.domain.reviewing import Stage, Visibility
from incidents.domain.tiers import Tier

#: Tiers whose post-mortem nobody has to wish for.
ASKED = frozenset({Tier.CRITICAL, Tier.IMPORTANT})
#: What a whole post-mortem says beside what every incident is asked at closing.
SECTIONS = ("impact", "detection", "went_well", "went_badly", "lucky")

CRITICAL_DAYS = 3
WORKING_DAYS = 5
WEEKDAYS = (1, 2, 3, 4, 5)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Learnt:
    """What is written so far: names of the texts that say something, and the kinds of measures not dropped."""

    written: frozenset[str]
    measures: frozenset[str]
    stage: Stage
    visibility: Visibility
    is_restored: bool


def is_asked(*, highest_tier: Tier, is_wanted: bool, is_rehearsal: bool) -> bool:
    """Tell whether an incident asks for a whole, reviewed and published post-mortem."""
    return is_wanted or (highest_tier in ASKED and not is_rehearsal)


def find_basic_gaps(learnt: Learnt) -> list[str]:
    """Return what every incident lacks before it may be closed."""
    has_documentation = "documentation_updates" in learnt.written or "documentation" in learnt.measures
    return _list_lacking(
        ("root_cause_missing", "root_cause" in learnt.written),
        ("documentation_missing", has_documentation),
        ("measures_missing", "preventive" in learnt.measures),
    )


def find_section_gaps(learnt: Learnt) -> list[str]:
    """Return what a whole post-mortem lacks, before anybody reviews it."""
    is_told = {"public_title", "public_text"} <= learnt.written
    return [
        *find_basic_gaps(learnt),
        *_list_lacking(
            *((f"{name}_missing", name in learnt.written) for name in SECTIONS),
            ("public_text_missing", learnt.visibility != Visibility.PUBLIC or is_told),
            ("not_restored", learnt.is_restored),
        ),
    ]


def find_publishing_gaps(learnt: Learnt) -> list[str]:
    """Return what is lacking before publication: everything, and another person's approval."""
    is_approved = learnt.stage in {Stage.APPROVED, Stage.PUBLISHED}
    return [*find_section_gaps(learnt), *_list_lacking(("not_approved", is_approved))]


def find_closing_gaps(learnt: Learnt, *, asked: bool) -> list[str]:
    """Return what is lacking before the incident is closed."""
    if not asked:
        return find_basic_gaps(learnt)
    if learnt.stage == Stage.PUBLISHED:
        return find_section_gaps(learnt)
    return [*find_publishing_gaps(learnt), "not_published"]


def _list_lacking(*asked: tuple[str, bool]) -> list[str]:
    return [code for code, is_there in asked if not is_there]


def find_due_on(*, restored_at: datetime, tier: Tier, zone: ZoneInfo) -> date:
    """Return the last day for publishing: three days after restoration where critical, else five working days."""
    day = local_day(restored_at, zone=zone)
    if tier == Tier.CRITICAL:
        return day + timedelta(days=CRITICAL_DAYS)
    left = WORKING_DAYS
    while left:
        day += ONE_DAY
        left -= is_open(day, weekdays=WEEKDAYS)
    return day


def compose_cause(whys: Iterable[str]) -> str:
    """Return the answers to "why?", from what was seen to what lies below, as Markdown: one step a line."""
    answers = [" ".join(answer.split()) for answer in whys]
    return "\n".join(f"{number}. {answer}" for number, answer in enumerate(filter(None, answers), start=1))
