"""What the war room shows beside the clock: what is known, the next public word, checklist, the way back, phones."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from flags.models import Site
from incidents.domain.board import Board, Deed
from incidents.domain.checklist import CHECKLISTS, SEEN, Facts, Item, list_done
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from incidents.models import Incident, IncidentUpdate
from incidents.timeline_queries import find_last_update, find_word_due, read_board
from procedures.models import Procedure

#: A war room is read on a phone: of more sites only the first are listed.
MOST_SITES = 30


@dataclass(frozen=True)
class Check:
    """One item of the checklist; `tick` is who ticked it off, None of what the program sees."""

    item: Item
    is_done: bool
    is_seen: bool
    tick: Deed | None


@dataclass(frozen=True)
class Room:
    """The war room at a moment. `due_at`: by when the next public word is due, None where none is."""

    board: Board
    last: IncidentUpdate | None
    due_at: datetime | None
    seen_at: datetime
    checks: list[Check]
    procedure: Procedure | None
    sites: list[Site]

    @property
    def is_overdue(self) -> bool:
        return self.due_at is not None and self.due_at <= self.seen_at

    @property
    def left(self) -> str:
        """The time until the next word is due, or since it was, as h:mm:ss."""
        seconds = int(abs(((self.due_at or self.seen_at) - self.seen_at) / timedelta(seconds=1)))
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"

    @property
    def open_count(self) -> int:
        return sum(not check.is_done for check in self.checks)

    @property
    def last_number(self) -> int:
        """The newest public word's number, 0 before the first."""
        return 0 if self.last is None else self.last.pk


def read_room(incident: Incident, *, now: datetime) -> Room:
    """Return the war room: a fixed number of queries, however long the incident lasts."""
    board, last = read_board(incident.pk), find_last_update(incident.pk)
    return Room(
        board=board,
        last=last,
        due_at=find_word_due(incident, last=last),
        seen_at=now,
        checks=_list_checks(incident, board=board, last=last),
        procedure=_list_procedures(incident).first() if incident.rollback_id or incident.rollout_id else None,
        sites=list(Site.objects.filter(key__in=incident.site_keys).order_by("name")[:MOST_SITES]),
    )


def _list_checks(incident: Incident, *, board: Board, last: IncidentUpdate | None) -> list[Check]:
    facts = Facts(
        is_commanded=incident.commander_id is not None,
        has_first_word=last is not None,
        is_mitigated=incident.mitigated_at is not None,
        has_summary=board.known is not None,
        is_restored=incident.restored_at is not None,
        has_last_word=last is not None and last.status == WordStatus.RESOLVED,
    )
    done = list_done(facts=facts, ticked=board.ticked.keys())
    items = CHECKLISTS[Tier(incident.highest_tier)]
    return [Check(item, item in done, item in SEEN, board.ticked.get(str(item))) for item in items]


def _list_procedures(incident: Incident) -> QuerySet[Procedure]:
    """Return the procedures of the incident's rollback, or of its rollout since it began, the newest first."""
    about = Q(rollback=incident.rollback_id) if incident.rollback_id else Q(pk=None)
    if incident.rollout_id:
        about |= Q(rollback__rollout=incident.rollout_id, begun_at__gte=incident.detected_at)
    rows = Procedure.objects.filter(about).order_by("-pk")
    return rows.prefetch_related("parts__operation__target", "parts__operation__steps")
