"""A dossier's facts as they are read: what happened together in one line. Of the facts alone, and of nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Fact = Mapping[str, Any]
#: What makes steps one line: the same audience, planned, moved and done in the same minute.
MINUTE = len("2026-11-24T09:12")


@dataclass(frozen=True)
class Line:
    """Steps or exposures that went together: one fact for all, and the flags."""

    fact: Fact
    flags: Sequence[str]


@dataclass(frozen=True)
class PhaseLines:
    fact: Fact
    steps: Sequence[Line]


@dataclass(frozen=True)
class RolloutLines:
    fact: Fact
    phases: Sequence[PhaseLines]
    exposures: Sequence[Line]
    incidents: Sequence[Fact]

    @property
    def title(self) -> str:
        return f"{self.fact['environment']} · #{self.fact['id']}"


def draw_rollouts(facts: Fact) -> list[RolloutLines]:
    """Return what each rollout's part of a dossier shows."""
    incidents = facts["incidents"]
    return [
        RolloutLines(
            fact=rollout,
            phases=[PhaseLines(phase, _join(phase["steps"], _of_step)) for phase in rollout["phases"]],
            exposures=_join(rollout["exposures"], _of_exposure),
            incidents=[one for one in incidents if one["rollout"] == rollout["id"]],
        )
        for rollout in facts["rollouts"]
    ]


def _join(rows: Iterable[Fact], key: Any) -> list[Line]:
    found = []
    for _key, group in groupby(rows, key=key):
        together = list(group)
        found.append(Line(together[0], [str(one["flag"]) for one in together]))
    return found


def _of_step(row: Fact) -> tuple[object, ...]:
    return (row["audience"], row["status"], *(_cut(row[name]) for name in ("planned_at", "due_at", "done_at")))


def _of_exposure(row: Fact) -> tuple[object, ...]:
    return (row["audience"], row["phase"], row["ended_by"], _cut(row["since"]), _cut(row["until"]))


def _cut(moment: str | None) -> str | None:
    return None if moment is None else moment[:MINUTE]
