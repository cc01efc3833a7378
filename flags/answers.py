"""What OFREP's clients are sent, written once for each snapshot (contracts §3).

A flag has few evaluations, so each is JSON before anybody asks. What is sent to whom is still
decided for every request; an ETag is remembered with the request it answered, never derived.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from flags.domain.conditions import Context
from flags.domain.definition import EnvironmentDefinition, FlagDefinition
from flags.domain.evaluation import Evaluation, TargetingKeyMissing, compile_shaped

#: Remembered polls of one snapshot; more than a portal has tills. With longer bodies than this none is.
MOST_POLLS = 4_096
MOST_BODY_BYTES = 1_024

NEEDS_KEY = "This flag splits people: send a 'targetingKey' that is not empty."


class Asked(NamedTuple):
    """A request for all flags as far as its answer depends on it: whose, in which period, with which body."""

    token_id: int
    period: int
    body: bytes


class Poll(NamedTuple):
    """What was answered: its ETag, and the part of the context that counts for reach."""

    etag: bytes
    who: Mapping[str, object]


class Answers:
    """The written answers of one snapshot."""

    def __init__(self, definition: EnvironmentDefinition) -> None:
        self._by_key = {key: _compile(flag) for key, flag in definition.flags.items()}
        self._evaluators = tuple(self._by_key.values())
        self._middle = b'],"metadata":%s,"eventStreams":' % write_json({"environment": definition.key})
        self._polls: dict[Asked, Poll] = {}

    def find(self, key: str) -> Callable[[Context], bytes] | None:
        """Return the function that writes one flag's answer, None for an unknown flag.

        It raises TargetingKeyMissing where a context without a targeting key reaches a split.
        """
        return self._by_key.get(key)

    def write_all(self, context: Context, *, streams: bytes) -> bytes:
        """Return the answer of all flags; `streams` is its `eventStreams` as JSON."""
        try:
            shown = [evaluate(context) for evaluate in self._evaluators]
        except TargetingKeyMissing:
            shown = list(self._write_each(context))
        return b"".join((b'{"flags":[', b",".join(shown), self._middle, streams, b"}"))

    def _write_each(self, context: Context) -> Iterator[bytes]:
        for evaluate in self._evaluators:
            try:
                yield evaluate(context)
            except TargetingKeyMissing as missing:
                yield write_failure(missing)

    def recall(self, asked: Asked) -> Poll | None:
        """Return what exactly this request was answered in this snapshot, as far as remembered."""
        return self._polls.get(asked)

    def remember(self, asked: Asked, poll: Poll) -> None:
        """Keep it for the next time the same is asked; bounded, whatever clients send."""
        if len(asked.body) > MOST_BODY_BYTES:
            return
        if len(self._polls) >= MOST_POLLS:
            self._polls.clear()
        self._polls[asked] = poll


def compose_etag(body: bytes) -> bytes:
    """Return the ETag of an answer: of all that the client would see."""
    return b'"%s"' % hashlib.sha256(body).hexdigest()[:32].encode()


def write_failure(missing: TargetingKeyMissing) -> bytes:
    """Return the failure of a flag that cannot be decided without a targeting key."""
    return write_json({"key": missing.flag_key, "errorCode": "TARGETING_KEY_MISSING", "errorDetails": NEEDS_KEY})


def write_json(data: object) -> bytes:
    """Return compact JSON in ASCII."""
    return json.dumps(data, separators=(",", ":")).encode()


def _compile(flag: FlagDefinition) -> Callable[[Context], bytes]:
    return compile_shaped(flag, shape=_write)


def _write(evaluation: Evaluation) -> bytes:
    return write_json(
        {
            "key": evaluation.flag_key,
            "value": evaluation.value,
            "reason": str(evaluation.reason),
            "variant": evaluation.variant,
            "metadata": dict(evaluation.metadata),
        }
    )
