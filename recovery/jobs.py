"""What a step of an operation is, and what it gets to work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recovery.domain.addresses import Address
from recovery.models import Target
from recovery.storage import find_work_folder
from recovery.targets import read_address

Proof = dict[str, Any]


class WordNeeded(Exception):
    """A step that a person must decide about first. `code`: the question; `data`: what they have to know."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class StepSkipped(Exception):
    """There is nothing for this step to do on this target; `code` says why."""

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


@dataclass
class Job:
    """An operation while it is driven. `wish`: as asked for; `state`: what steps found, kept from one to the next."""

    operation_id: int
    target: Target
    wish: dict[str, Any]
    state: dict[str, Any]
    say: Callable[[str], None] = field(default=lambda _text: None)
    #: Keeps `state` at once: what a step has made must be known even if its worker is killed in the next moment.
    keep: Callable[[], None] = field(default=lambda: None)

    @property
    def address(self) -> Address:
        """Return where the target's database is; read anew each time, kept nowhere."""
        return read_address(self.target)

    @property
    def work_file(self) -> Path:
        """Return where this operation's dump lies while it is made or read."""
        return find_work_folder() / f"operation-{self.operation_id}.dump"

    def remember(self, **values: Any) -> None:
        """Keep values for later steps, at once."""
        self.state.update(values)
        self.keep()


@dataclass(frozen=True)
class Step:
    """`run` does it and returns what proves it; it checks first, and twice does no more than once.

    `again_from`: the earlier step with which a resume begins, where this one stands on what that one made sure of.
    """

    code: str
    run: Callable[[Job], Proof]
    again_from: str = ""


@dataclass(frozen=True)
class Plan:
    """The steps of a kind of operation. `undo`: brings back what holds before its point of no return.

    `is_past`: whether that point is behind; from then on the way out is forward.
    """

    steps: Sequence[Step]
    undo: Callable[[Job], Proof] = field(default=lambda _job: {})
    is_past: Callable[[Job], bool] = field(default=lambda _job: False)

    def find(self, code: str) -> Step:
        """Return a step by its code."""
        return next(step for step in self.steps if step.code == code)
