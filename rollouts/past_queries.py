"""Reads how a rollout grew, out of its history: who saw each flag at every moment, as health judges it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from flags.domain.audience import RuleKind
from health.domain.exposure import Exposure
from health.domain.replay import Frame, Past
from rollouts.domain.lifecycle import UNDER_WAY, Status
from rollouts.domain.templates import SupportLevel
from rollouts.exposure_queries import list_dealt_with
from rollouts.models import Phase, PhaseStatus, Rollout, RolloutFlag, Step, StepStatus

#: A change of one thing: when, of which kind, and its row.
Change = tuple[datetime, str, Mapping[str, Any]]


def read_past(rollout: Rollout) -> Past:
    """Return the rollout as it grew: five queries, whatever its size."""
    changes = sorted(
        [*_read_steps(rollout), *_read_flags(rollout), *_read_states(rollout), *_read_phases(rollout), *_seen(rollout)],
        key=itemgetter(0),
    )
    state = _State(rollout.subject, rollout.environment.key)
    frames: list[Frame] = []
    for index, (at, kind, row) in enumerate(changes):
        state.take_in(kind, row, at=at)
        if index + 1 == len(changes) or changes[index + 1][0] != at:
            frames.append(state.as_frame(at))
    return Past(state.subject, state.environment_key, frames)


def _read_steps(rollout: Rollout) -> Iterable[Change]:
    """Yield what became of the steps that were ever done."""
    done = Step.history.filter(rollout=rollout.pk, status=StepStatus.DONE).values("id")
    rows = Step.history.filter(rollout=rollout.pk, id__in=done).order_by("history_id")
    names = ("id", "flag__key", "audience_kind", "site__key", "status", "done_at", "position")
    return [(row["history_date"], "step", row) for row in rows.values(*names, "history_type", "history_date")]


def _read_flags(rollout: Rollout) -> Iterable[Change]:
    rows = RolloutFlag.history.filter(rollout=rollout.pk).order_by("history_id")
    return [
        (row["history_date"], "flag", row)
        for row in rows.values("flag__key", "is_active", "history_type", "history_date")
    ]


def _read_states(rollout: Rollout) -> Iterable[Change]:
    rows = Rollout.history.filter(id=rollout.pk).order_by("history_id")
    return [(row["history_date"], "rollout", row) for row in rows.values("status", "epoch", "history_date")]


def _read_phases(rollout: Rollout) -> Iterable[Change]:
    rows = Phase.history.filter(rollout=rollout.pk).order_by("history_id")
    names = ("id", "position", "status", "support", "history_type", "history_date")
    return [(row["history_date"], "phase", row) for row in rows.values(*names)]


def _seen(rollout: Rollout) -> Iterable[Change]:
    return [(at, "seen", {}) for at in list_dealt_with(rollout)]


@dataclass
class _State:
    """What is known at a moment, while the changes are gone through."""

    subject: str
    environment_key: str
    status: str = Status.DRAFT
    epoch: int = 1
    seen_at: datetime | None = None
    active: set[str] = field(default_factory=set)
    phases: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    #: By flag, the steps that are done.
    done: dict[str, dict[int, Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    #: By flag, without what changes for all at once.
    known: dict[str, Exposure] = field(default_factory=dict)

    def take_in(self, kind: str, row: Mapping[str, Any], *, at: datetime) -> None:
        """Note one change."""
        if kind == "step":
            self._take_step(row)
        elif kind == "flag":
            is_on = row["is_active"] and row["history_type"] != "-"
            (self.active.add if is_on else self.active.discard)(row["flag__key"])
        elif kind == "rollout":
            self.status, self.epoch = row["status"], row["epoch"]
        elif kind == "phase":
            self.phases[row["id"]] = row
        else:
            self.seen_at = at

    def _take_step(self, row: Mapping[str, Any]) -> None:
        steps = self.done[row["flag__key"]]
        steps.pop(row["id"], None)
        if row["status"] == StepStatus.DONE and row["history_type"] != "-":
            steps[row["id"]] = row
        self.known.pop(row["flag__key"], None)

    def as_frame(self, at: datetime) -> Frame:
        """Return how it stands."""
        driven = sorted(key for key in self.active if self.done.get(key))
        newest = max(driven, key=self._find_newest, default=None)
        return Frame(
            since=at,
            is_judged=self.status in UNDER_WAY,
            is_running=self.status == Status.RUNNING,
            is_heightened=self._is_heightened(),
            exposures=[
                replace(self._expose(key), epoch=self.epoch, seen_at=self.seen_at, is_newest=key == newest)
                for key in driven
            ],
        )

    def _find_newest(self, flag_key: str) -> tuple[datetime, int]:
        return max((row["done_at"], row["position"]) for row in self.done[flag_key].values())

    def _is_heightened(self) -> bool:
        """Tell whether the running phase asks for more support, the first where several run."""
        running = [row for row in self.phases.values() if row["status"] == PhaseStatus.RUNNING]
        first = min((row for row in running if row["history_type"] != "-"), key=itemgetter("position"), default=None)
        return first is not None and first["support"] == SupportLevel.HEIGHTENED

    def _expose(self, flag_key: str) -> Exposure:
        if flag_key not in self.known:
            rows = sorted(self.done[flag_key].values(), key=itemgetter("done_at"), reverse=True)
            # The earliest of a site comes last, and stays.
            sites = {row["site__key"]: row["done_at"] for row in rows if row["site__key"]}
            everyone = [row["done_at"] for row in rows if row["audience_kind"] == RuleKind.EVERYONE]
            self.known[flag_key] = Exposure(
                flag_key=flag_key,
                environment_key=self.environment_key,
                since=rows[-1]["done_at"],
                everyone=bool(everyone),
                site_keys=frozenset(sites),
                subject=self.subject,
                epoch=self.epoch,
                site_since=sites,
                everyone_since=min(everyone, default=None),
            )
        return self.known[flag_key]
