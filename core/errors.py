"""Refusals: expected answers to a wrong or untimely wish, never a traceback."""

from typing import Any


class Refusal(Exception):
    """A wish that cannot be granted: a stable code, the data behind it, a 4xx status.

    Carries no prose: `core.labels.say_refusal` and each app's `labels.py` speak.
    """

    status = 409

    def __init__(self, code: str, **data: Any) -> None:
        super().__init__(code)
        self.code = code
        self.data = data

    def __str__(self) -> str:
        return f"{self.code} {self.data}" if self.data else self.code


class NotAllowed(Refusal):
    """The person's role does not hold the capability."""

    status = 403


class InvalidInput(Refusal):
    """A value that can never be right, whatever the state."""

    status = 400


class NotFound(Refusal):
    """What is named is not there, or not for whoever asks."""

    status = 404
