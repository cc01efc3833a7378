"""Reads of the risk register, and of what of it a rollout's plan must have looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet

from flags.models import Flag
from rollouts.domain.lifecycle import ENDED
from rollouts.domain.risks import HIGH_FROM, HIGHEST, LOWEST, MEDIUM_FROM, RiskLevel, RiskState, level_of
from rollouts.models import Release, ReleaseFlag, Risk, RiskFlag, RiskRelease, RiskReview, Rollout

#: Lines of a risk's history, and reviews, that its page shows.
MOST_RATINGS = 100
GRADE = F("likelihood") * F("impact")
SCALE = range(LOWEST, HIGHEST + 1)
#: Scores [from, below) of each level.
SCORES: dict[RiskLevel, tuple[int, int]] = {
    RiskLevel.LOW: (0, MEDIUM_FROM),
    RiskLevel.MEDIUM: (MEDIUM_FROM, HIGH_FROM),
    RiskLevel.HIGH: (HIGH_FROM, HIGHEST * HIGHEST + 1),
}
ANY_STATE = "all"
#: No person is called so: a user name has no exclamation mark.
NOBODY = "!nobody"


@dataclass(frozen=True)
class Wanted:
    """What of the register is looked at; empty is all of it, but of states the open one."""

    category: str = ""
    state: str = ""
    level: str = ""
    owner: str = ""
    flag: Flag | None = None
    release: Release | None = None
    likelihood: int | None = None
    impact: int | None = None


def list_risks(wanted: Wanted) -> QuerySet[Risk]:
    """Return risks, the gravest first, with owner, releases and flags: three queries."""
    rows = filter_risks(wanted).select_related("owner").prefetch_related("risk_releases__release", "risk_flags__flag")
    return rows.order_by(GRADE.desc(), "-pk")


def filter_risks(wanted: Wanted) -> QuerySet[Risk]:
    """Return the risks that are looked at, in no order that matters."""
    return _narrow(_filter(wanted), wanted)


def _filter(wanted: Wanted) -> QuerySet[Risk]:
    """Return the risks that all filters but those of the matrix keep."""
    rows = Risk.objects.all()
    if wanted.state != ANY_STATE:
        rows = rows.filter(state=wanted.state or RiskState.OPEN)
    if wanted.category:
        rows = rows.filter(category=wanted.category)
    if wanted.owner:
        rows = rows.filter(owner=None) if wanted.owner == NOBODY else rows.filter(owner__username=wanted.owner)
    if wanted.flag is not None:
        rows = rows.filter(pk__in=RiskFlag.objects.filter(flag=wanted.flag).values("risk"))
    if wanted.release is not None:
        rows = rows.filter(pk__in=RiskRelease.objects.filter(release=wanted.release).values("risk"))
    return rows


def _narrow(rows: QuerySet[Risk], wanted: Wanted) -> QuerySet[Risk]:
    if wanted.level:
        least, above = SCORES[RiskLevel(wanted.level)]
        rows = rows.alias(grade=GRADE).filter(grade__gte=least, grade__lt=above)
    if wanted.likelihood is not None:
        rows = rows.filter(likelihood=wanted.likelihood)
    return rows if wanted.impact is None else rows.filter(impact=wanted.impact)


@dataclass(frozen=True)
class Cell:
    """One field of the matrix: how many risks are rated so."""

    likelihood: int
    impact: int
    count: int
    is_chosen: bool

    @property
    def level(self) -> RiskLevel:
        return level_of(likelihood=self.likelihood, impact=self.impact)


@dataclass(frozen=True)
class Matrix:
    """Likelihood downwards from the highest, impact to the right from the lowest."""

    rows: Sequence[tuple[int, Sequence[Cell]]]
    counts: dict[RiskLevel, int]


def count_matrix(wanted: Wanted) -> Matrix:
    """Return how many risks stand in each field, by every filter but the matrix's own: one query."""
    counted: dict[tuple[int, int], int] = {
        (row["likelihood"], row["impact"]): row["n"]
        for row in _filter(wanted).order_by().values("likelihood", "impact").annotate(n=Count("pk"))
    }
    chosen = (wanted.likelihood, wanted.impact)
    rows = [
        (high, [Cell(high, wide, counted.get((high, wide), 0), (high, wide) == chosen) for wide in SCALE])
        for high in reversed(SCALE)
    ]
    counts = dict.fromkeys(RiskLevel, 0)
    for (likelihood, impact), n in counted.items():
        counts[level_of(likelihood=likelihood, impact=impact)] += n
    return Matrix(rows, counts)


@dataclass(frozen=True)
class Gaps:
    """What the register lacks: open risks that nobody owns, without a mitigation, not looked at in time."""

    unowned: int
    unmitigated: int
    overdue: int


def count_gaps(*, today: date) -> Gaps:
    """Return what open risks lack: one query."""
    found = Risk.objects.filter(state=RiskState.OPEN).aggregate(
        unowned=Count("pk", filter=Q(owner=None)),
        unmitigated=Count("pk", filter=Q(mitigation="")),
        overdue=Count("pk", filter=Q(review_on__lt=today)),
    )
    return Gaps(**found)


def list_ratings(risk: Risk) -> list[Any]:
    """Return the lines of a risk's history that changed its rating or state, and the first, newest first: one query."""
    rows = list(risk.history.select_related("history_user").order_by("-history_id")[: MOST_RATINGS + 1])
    befores = [*rows[1:], None]
    changed = [
        row for row, before in zip(rows, befores, strict=True) if before is None or _rated(row) != _rated(before)
    ]
    return changed[:MOST_RATINGS]


def _rated(row: Any) -> tuple[int, int, str]:
    return row.likelihood, row.impact, row.state


def list_reviews(risk: Risk) -> list[RiskReview]:
    """Return the newest reviews of a risk, each with its rollout and who made it: one query."""
    rows = risk.reviews.select_related("rollout__release", "rollout__environment", "reviewed_by")
    return list(rows.order_by("-pk")[:MOST_RATINGS])


@dataclass(frozen=True)
class PlanningRisk:
    """A risk that a plan must have looked at, with the last review of it in this attempt."""

    risk: Risk
    review: RiskReview | None

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody looked at it as it is rated now."""
        review = self.review
        return review is not None and (review.likelihood, review.impact) == (self.risk.likelihood, self.risk.impact)

    @property
    def is_raised_since(self) -> bool:
        """Whether it was looked at, but is rated otherwise since."""
        return self.review is not None and not self.is_reviewed


@dataclass(frozen=True)
class RiskCheck:
    """How far the review of a rollout's risks is."""

    risks: Sequence[PlanningRisk]

    @property
    def reviewed(self) -> int:
        return sum(one.is_reviewed for one in self.risks)

    @property
    def waiting(self) -> list[PlanningRisk]:
        return [one for one in self.risks if not one.is_reviewed]

    @property
    def blocking(self) -> list[PlanningRisk]:
        """Return the high ones that nobody looked at: without it no approval is asked for."""
        return [one for one in self.waiting if one.risk.level is RiskLevel.HIGH]

    @property
    def levels(self) -> list[tuple[RiskLevel, int]]:
        """Return how many are of each level, the gravest first; levels without any are left out."""
        counted = [(level, sum(one.risk.level is level for one in self.risks)) for level in reversed(RiskLevel)]
        return [(level, n) for level, n in counted if n]


def check_risks(rollout: Rollout) -> RiskCheck:
    """Return the risks of a plan and how far their review is: two queries."""
    return RiskCheck(list_planning_risks(rollout))


def list_planning_risks(rollout: Rollout) -> list[PlanningRisk]:
    """Return the risks of a rollout, the gravest first, each with its last review in this attempt: two queries.

    Of one that has not ended: open ones of its release, of its flags, and those linked to nothing. Of one that has:
    those that were looked at.
    """
    reviews = RiskReview.objects.filter(rollout=rollout, attempt=rollout.attempt)
    newest = reviews.filter(pk__in=reviews.order_by().values("risk").annotate(newest=Max("pk")).values("newest"))
    last = {row.risk_id: row for row in newest.select_related("reviewed_by")}
    flags = rollout.rollout_flags.values("flag")
    rows = Risk.objects.filter(pk__in=last) if rollout.status in ENDED else _list_open(rollout.release_id, flags)
    rows = rows.select_related("owner").order_by(GRADE.desc(), "-pk")
    return [PlanningRisk(row, last.get(row.pk)) for row in rows]


def list_risks_ahead(release_id: int) -> list[Risk]:
    """Return the open risks that a plan of a release would have, the gravest first: one query."""
    flags = ReleaseFlag.objects.filter(release=release_id).values("flag")
    return list(_list_open(release_id, flags).order_by(GRADE.desc(), "-pk"))


def _list_open(release_id: int, flags: QuerySet[Any, Any]) -> QuerySet[Risk]:
    of_release = RiskRelease.objects.filter(release=release_id).values("risk")
    of_flags = RiskFlag.objects.filter(flag__in=flags).values("risk")
    is_linked = [Exists(model.objects.filter(risk=OuterRef("pk"))) for model in (RiskRelease, RiskFlag)]
    is_general = ~is_linked[0] & ~is_linked[1]
    return Risk.objects.filter(Q(pk__in=of_release) | Q(pk__in=of_flags) | is_general, state=RiskState.OPEN)
