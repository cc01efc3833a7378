"""The unmodified OpenFeature client of one person at one till, asking again and again."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails

PAUSE_SECONDS = 0.2
JOIN_SECONDS = 30.0


@dataclass(frozen=True)
class Change:
    """An answer that differed from the one before; `sweep` numbers the rounds of questions."""

    key: str
    value: bool
    reason: str
    variant: str
    sweep: int


class Observer(threading.Thread):
    """Asks for every flag in turn and keeps each change of an answer."""

    def __init__(self, *, url: str, token: str, who: str, site: str, keys: Sequence[str]) -> None:
        super().__init__(name=f"observer {who}", daemon=True)
        self.changes: list[Change] = []
        self.faults: list[str] = []
        #: Rounds begun so far: between two of them every flag was asked for.
        self.sweeps = 0
        self._keys = keys
        self._context = EvaluationContext(targeting_key=who, attributes={"site": site})
        self._provider = OFREPProvider(url, headers_factory=lambda: {"Authorization": f"Bearer {token}"})
        api.set_provider(self._provider, domain=who)
        self._client = api.get_client(domain=who)
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self.join(JOIN_SECONDS)
        self._provider.session.close()

    def run(self) -> None:
        last: dict[str, tuple[bool, str]] = {}
        while not self._done.is_set():
            self.sweeps += 1
            # Backwards: what goes on between two questions is never seen before what went on earlier.
            for key in reversed(self._keys):
                details = self._client.get_boolean_details(key, default_value=False, evaluation_context=self._context)
                if details.error_code is not None:
                    self.faults.append(f"{key}: {details.error_code} {details.error_message}")
                    continue
                seen = (details.value, str(details.reason))
                if last.get(key) != seen:
                    last[key] = seen
                    self.changes.append(_change(details, sweep=self.sweeps))
            self._done.wait(PAUSE_SECONDS)

    def list_changes(self, key: str) -> list[Change]:
        """Return a flag's changes in the order seen; the first is what it began with."""
        return [change for change in list(self.changes) if change.key == key]

    def find_now(self, key: str) -> Change | None:
        """Return a flag's newest answer."""
        changes = self.list_changes(key)
        return changes[-1] if changes else None

    def is_on(self, key: str) -> bool:
        now = self.find_now(key)
        return now is not None and now.value

    def list_on(self) -> list[str]:
        return [key for key in self._keys if self.is_on(key)]

    def sweep_of_first_on(self, key: str) -> int:
        """Return the round in which a flag was first seen on."""
        return next(change.sweep for change in self.list_changes(key) if change.value)


def _change(details: FlagEvaluationDetails[bool], *, sweep: int) -> Change:
    return Change(details.flag_key, details.value, str(details.reason), details.variant or "", sweep)
