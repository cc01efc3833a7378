"""The states of a post-mortem: written, reviewed by somebody else, published."""

from collections.abc import Mapping
from enum import StrEnum


class Stage(StrEnum):
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    PUBLISHED = "published"


#: Back to the draft: sent back by the reviewer, edited after the review began, or withdrawn.
EDGES: Mapping[Stage, frozenset[Stage]] = {
    Stage.DRAFT: frozenset({Stage.IN_REVIEW}),
    Stage.IN_REVIEW: frozenset({Stage.DRAFT, Stage.APPROVED}),
    Stage.APPROVED: frozenset({Stage.DRAFT, Stage.PUBLISHED}),
    Stage.PUBLISHED: frozenset({Stage.DRAFT}),
}


class Visibility(StrEnum):
    INTERNAL = "internal"
    PUBLIC = "public"
