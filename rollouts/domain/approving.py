"""Four eyes: what was decided on which content, and whether that is enough. Pure."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

MOST_APPROVALS = 5

#: How a plan is edited, as its story says it.
EditKind = Literal[
    "pause_inserted",
    "moment_moved",
    "steps_skipped",
    "steps_restored",
    "audience_changed",
    "guardrail_changed",
    "guardrail_loosened",
]
#: Who did one of these wrote the plan, or a part of it.
AUTHORING = frozenset({"planned", "redrafted", *get_args(EditKind)})


@dataclass(frozen=True)
class DecisionMade:
    """What one person decided, on which content, when and why; in the order of a list the last one stands."""

    user_id: int
    name: str
    is_approved: bool
    content_hash: str
    comment: str
    at: datetime


@dataclass(frozen=True)
class ApprovalState:
    """How far an approval is: `standing` on the present content, `void` on one before, how many more are needed."""

    content_hash: str
    needed: int
    standing: Sequence[DecisionMade]
    void: Sequence[DecisionMade]

    @property
    def approvers(self) -> int:
        return sum(one.is_approved for one in self.standing)

    @property
    def missing(self) -> int:
        return max(self.needed - self.approvers, 0)

    @property
    def holds(self) -> bool:
        """Whether enough people approved the present content, and none of those who decided last rejects it."""
        return not self.missing and all(one.is_approved for one in self.standing)


def weigh_decisions(
    decisions: Sequence[DecisionMade], *, authors: Collection[int], content_hash: str, needed: int
) -> ApprovalState:
    """Return the state of an approval. Of each person the last decision counts; an author's never does."""
    last = {one.user_id: one for one in decisions if one.user_id not in authors}
    standing = [one for one in last.values() if one.content_hash == content_hash]
    void = [one for one in last.values() if one.content_hash != content_hash]
    return ApprovalState(content_hash, needed, standing, void)


def hash_content(content: object) -> str:
    """Return the SHA-256, hex, of a content of plain values, the same whatever the order of its keys."""
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
