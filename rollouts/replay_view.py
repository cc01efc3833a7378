"""What the page of a replay shows, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from health.domain.replay import Line, Replay
from health.models import Decision
from rollouts.replay_labels import say_firing, say_head, say_limit, say_line, say_real
from rollouts.replaying import Answer


@dataclass(frozen=True)
class Told:
    """A flag's answer: what would have been first, and what really was."""

    flag_key: str
    would: str
    really: str
    has_fired: bool


@dataclass(frozen=True)
class Row:
    """A line of the timeline: of the replay, or of what was really decided."""

    at: datetime
    flag_key: str
    head: str
    says: str
    site_key: str = ""
    is_assumed: bool = False
    is_real: bool = False
    decision: Decision | None = None


@dataclass(frozen=True)
class Compared:
    """Another limit, and when it would have fired first."""

    limit: str
    percent: str
    first: Line | None
    is_chosen: bool


@dataclass(frozen=True)
class ReplayPage:
    answer: Answer
    told: list[Told]
    rows: list[Row]
    compared: list[Compared]
    left_out: int

    @property
    def go_on_from(self) -> str:
        """Return where to go on from, as the form's field has it; empty where all was gone through."""
        cut_at = self.answer.cut_at
        return f"{timezone.localtime(cut_at):%Y-%m-%dT%H:%M}" if cut_at else ""

    @property
    def replay(self) -> Replay:
        return self.answer.replay


def compose_replay(answer: Answer, *, names: Mapping[str, str], most_rows: int) -> ReplayPage:
    """Return an answer in words, with at most so many lines."""
    replay = answer.replay
    limit = say_limit(replay.settings.lane, replay.settings.limit_bp)
    told = [
        Told(
            key,
            say_firing(replay.firings.get(key), flag=names.get(key, key), limit=limit),
            say_real(answer.find_real(key)),
            key in replay.firings,
        )
        for key in replay.flag_keys
    ]
    rows = sorted([*map(_as_row, replay.lines), *map(_real_row, answer.decisions)], key=lambda row: row.at)
    return ReplayPage(
        answer, told, rows[:most_rows], [_compare(replay, one) for one in answer.others], len(rows[most_rows:])
    )


def _as_row(line: Line) -> Row:
    return Row(line.at, line.flag_key, say_head(line), say_line(line), line.site_key, line.is_assumed, line.is_real)


def _real_row(decision: Decision) -> Row:
    return Row(decision.at, decision.flag_key, "", "", decision.site_key, decision=decision)


def _compare(chosen: Replay, other: Replay) -> Compared:
    limit_bp = other.settings.limit_bp
    first = min(other.firings.values(), key=lambda line: line.at, default=None)
    return Compared(
        say_limit(other.settings.lane, limit_bp), f"{limit_bp / 100:g}", first, limit_bp == chosen.settings.limit_bp
    )
