"""Which notices a till shows at a moment: values in, values out."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flags.domain.conditions import Context
from flags.domain.definition import FlagDefinition, Override
from flags.domain.evaluation import TargetingKeyMissing, compile_flag
from notices.domain.levels import LOUDNESS, Level


@dataclass(frozen=True)
class Words:
    """A notice in one language; both are empty where it is not said in it."""

    title: str
    text: str


@dataclass(frozen=True)
class BoardNotice:
    """A notice that stands, in [starts_at, ends_at). Without sites it is for all, without flags for every till."""

    number: int
    level: Level
    french: Words
    english: Words
    hotline: str
    next_update_at: datetime | None
    starts_at: datetime
    ends_at: datetime | None
    site_keys: frozenset[str] = frozenset()
    flag_keys: frozenset[str] = frozenset()

    def say(self, language: str) -> tuple[str, Words]:
        """Return the words in a language, in the other where it is not said in this one; which one is told."""
        words = {"fr": self.french, "en": self.english}
        other = "en" if language == "fr" else "fr"
        return (language, words[language]) if words[language].title else (other, words[other])


def list_shown(board: Iterable[BoardNotice], *, site_key: str, now: datetime) -> list[BoardNotice]:
    """Return what stands at a site at a moment, whichever flags its tills have: the loudest first, then the newest."""
    shown = [
        one
        for one in board
        if one.starts_at <= now
        and (one.ends_at is None or now < one.ends_at)
        and (not one.site_keys or site_key in one.site_keys)
    ]
    return sorted(shown, key=lambda one: (LOUDNESS[one.level], -one.number))


def list_concerning(
    shown: Iterable[BoardNotice], *, flags: Mapping[str, FlagDefinition], context: Context
) -> list[BoardNotice]:
    """Return those of some notices that are for a till: of flags, where it has one, or has just lost it."""
    return [one for one in shown if not one.flag_keys or _has_any(one.flag_keys, flags, context)]


def _has_any(keys: Iterable[str], flags: Mapping[str, FlagDefinition], context: Context) -> bool:
    return any(is_meant_for(flags[key], context) for key in keys if key in flags)


def is_meant_for(flag: FlagDefinition, context: Context) -> bool:
    """Tell whether a till has a flag, or would have it had nobody taken it back.

    A notice of a rollback is for those who had the flag until a moment ago: the kill switch, the flag's being off
    and rules that give the off variant (a site taken back) count for nothing here. A till that does not say whose
    it is counts where others of its place would be among those of a split.
    """
    given = tuple(rule for rule in flag.rules if rule.split or rule.variant != flag.off_variant)
    off: Override | None = flag.override if flag.override is not None and not flag.override.is_off else None
    offered = replace(flag, is_killed=False, is_on=True, override=off, rules=given)
    try:
        return compile_flag(offered)(context).variant != flag.off_variant
    except TargetingKeyMissing:
        return True


def find_next_change(board: Iterable[BoardNotice], *, now: datetime) -> datetime | None:
    """Return when the first of a board's notices begins or ends after a moment, None where none does."""
    moments = [moment for one in board for moment in (one.starts_at, one.ends_at) if moment is not None]
    return min((moment for moment in moments if moment > now), default=None)


def compose_mark(shown: Sequence[BoardNotice]) -> str:
    """Return what names a site's notices: another as soon as one comes or goes, for none is ever changed."""
    numbers = ",".join(str(one.number) for one in shown)
    return hashlib.sha256(numbers.encode()).hexdigest()[:12]
