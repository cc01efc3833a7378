"""What a search over incidents, complaints and post-mortems found, put in order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What can be found."""

    INCIDENT = "incident"
    POST_MORTEM = "post-mortem"
    COMPLAINT = "complaint"


class Part(StrEnum):
    """Where in it the words stand."""

    TITLE = "title"
    NOTE = "note"
    WORD = "word"
    SECTIONS = "sections"
    MEASURE = "measure"
    COMPLAINT = "complaint"


KINDS = {
    Part.TITLE: Kind.INCIDENT,
    Part.NOTE: Kind.INCIDENT,
    Part.WORD: Kind.INCIDENT,
    Part.SECTIONS: Kind.POST_MORTEM,
    Part.MEASURE: Kind.POST_MORTEM,
    Part.COMPLAINT: Kind.COMPLAINT,
}
#: A title is chosen for what it says.
WEIGHTS = dict.fromkeys(Part, 1.0) | {Part.TITLE: 2.0}
#: Ranks that differ by less are alike: the newer one stands first.
FINENESS = 2


@dataclass(frozen=True)
class Spot:
    """A text in which the words stand: of which incident or complaint (`owner`), its row's number, its rank, when."""

    part: Part
    number: int
    owner: int
    rank: float
    at: datetime


@dataclass(frozen=True)
class Hit:
    """An incident, complaint or post-mortem that was found; `spot` is the text that says most of what was asked."""

    kind: Kind
    owner: int
    at: datetime
    rank: float
    spot: Spot


def rank_hits(found: Mapping[Part, Sequence[Spot]]) -> list[Hit]:
    """Return each incident, complaint and post-mortem once: the best first, of those alike the newest.

    Of each part its best text counts, however many there are.
    """
    hits: list[Hit] = []
    for kind in Kind:
        ranks: dict[int, float] = defaultdict(float)
        shown: dict[int, Spot] = {}
        for part in (part for part in Part if KINDS[part] is kind):
            for spot in _choose_best(found.get(part, ())):
                ranks[spot.owner] += WEIGHTS[part] * spot.rank
                other = shown.get(spot.owner)
                # The title is shown anyway: another text says more.
                if other is None or other.part is Part.TITLE or spot.rank > other.rank:
                    shown[spot.owner] = spot
        hits += [Hit(kind, owner, spot.at, ranks[owner], spot) for owner, spot in shown.items()]
    return sorted(hits, key=lambda hit: (round(hit.rank, FINENESS), hit.at, hit.owner), reverse=True)


def _choose_best(spots: Sequence[Spot]) -> Iterable[Spot]:
    """Return the spot of each owner that says most, of those alike the newest."""
    best: dict[int, Spot] = {}
    for spot in spots:
        other = best.get(spot.owner)
        if other is None or (spot.rank, spot.number) > (other.rank, other.number):
            best[spot.owner] = spot
    return best.values()
