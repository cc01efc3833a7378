"""Posts JSON to addresses outside, and says what came of it. No address ever stands in an error."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core import clock
from core.outbound import Address, Answer, Network, OutboundFault, post
from notifications.domain.answers import Verdict, judge, read_retry_after

#: All in all, resolving the name aside; several times less than the lease.
SECONDS = 10.0
#: Of an answer, no more is read.
ANSWER_BYTES = 2_000
#: What chats answer as codes of their own, such as `no_active_hooks`; anything else may name the address.
CODE = re.compile(r"[a-z][a-z_]{2,59}")
HEADERS = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "release-portal"}


@dataclass(frozen=True)
class Result:
    """What came of it. `error` is for people and names no address; `wait`: what the other side asked for.

    `words`: the beginning of what it answered, for who knows how to read it; never shown.
    """

    verdict: Verdict
    error: str = ""
    wait: timedelta | None = None
    words: bytes = b""


def post_json(url: str, *, body: bytes, headers: Mapping[str, str], networks: Sequence[Network]) -> Result:
    """Post a body that is written already, with headers of its own beside the usual ones.

    `networks`: those inside that this address may lead to.
    """
    address = Address(url, networks=networks)
    try:
        answer = post(address, body=body, headers={**HEADERS, **headers}, seconds=SECONDS, limit_bytes=ANSWER_BYTES)
    except OutboundFault as fault:
        verdict = Verdict.CLOSED if fault.code == "address_refused" else Verdict.LATER
        return Result(verdict, fault.code)
    verdict = judge(answer.status)
    if verdict is Verdict.TAKEN:
        return Result(verdict, words=answer.body)
    wait = read_retry_after(answer.headers.get("retry-after", ""), now=clock.now())
    return Result(verdict, f"HTTP {answer.status}{_read_code(answer)}", wait if verdict is Verdict.LATER else None)


def _read_code(answer: Answer) -> str:
    words = answer.body.decode(errors="replace").strip()
    return f" {words}" if CODE.fullmatch(words) else ""
