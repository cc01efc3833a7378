"""Writes what every app has to tell into the timelines of incidents, each line once, whoever comes first.

The lines are copied when they happen and never again (ADR 48): what stood there is provable afterwards, a page reads
one index, and a round that was missed is made up by the next one.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from incidents.models import Incident, TimelineEntry
from incidents.sources import SOURCES, Found, Scope, read_scope
from incidents.timeline_queries import UNSOURCED
from incidents.transitions.locking import get_locked_incident

#: What follows a restoration still belongs to it: the end of the rollback's watch, the last mails.
AFTERWARDS = timedelta(hours=1)


def list_written_up(*, now: datetime) -> list[int]:
    """Return the incidents whose timelines still grow by themselves; those that run are not restored."""
    rows = Incident.objects.filter(Q(restored_at__isnull=True) | Q(restored_at__gte=now - AFTERWARDS))
    return list(rows.order_by("pk").values_list("pk", flat=True))


def gather(incident_id: int, *, now: datetime) -> int:
    """Write what is new about an incident into its timeline; return how many lines.

    Read without a lock; only where something is new is the incident locked, for the one short insert.
    """
    incident = Incident.objects.select_related("environment").get(pk=incident_id)
    end = now if incident.restored_at is None else min(now, incident.restored_at + AFTERWARDS)
    fresh = _keep_new(read_scope(incident, until=end))
    return _write(incident_id, fresh) if fresh else 0


def _keep_new(scope: Scope) -> list[Found]:
    found = [line for source in SOURCES for line in source(scope)]
    rows = TimelineEntry.objects.filter(incident=scope.incident_id)
    known = set(rows.filter(source__in=[line.name for line in found]).values_list("source", flat=True))
    # Lines of before sources were named are known by what they say.
    old = set(rows.filter(source="", code__in=UNSOURCED).values_list("code", "at"))
    fresh = [line for line in found if line.name not in known and (line.code, line.at) not in old]
    return sorted(fresh, key=lambda line: (line.at, line.name))


@transaction.atomic
def _write(incident_id: int, lines: list[Found]) -> int:
    incident = get_locked_incident(incident_id)
    rows = [
        TimelineEntry(
            incident=incident,
            at=line.at,
            code=line.code[:40],
            data=dict(line.data),
            note=line.note,
            actor_label=line.actor[:200],
            source=line.name,
        )
        for line in lines
    ]
    # Another worker may have written some of them since they were read.
    TimelineEntry.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
