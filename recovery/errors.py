"""What goes wrong outside: an engine, a registry, a host, a database, a disk."""

from typing import Any


class Failure(Exception):
    """Something outside did not do what it was asked: a stable code, the data behind it, what it printed.

    `is_passing`: the same again later may go well (an engine that restarts), unlike a wrong password.
    Carries no prose: `recovery.labels.FAILURES` speak.
    """

    def __init__(self, code: str, *, output: str = "", is_passing: bool = False, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.output = output
        self.is_passing = is_passing
        self.data = data

    def __str__(self) -> str:
        said = f"{self.code} {self.data}" if self.data else self.code
        return f"{said}: {self.output}" if self.output else said
