"""Which flags somebody at a site may suspect: those that changed there lately come first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max, Q
from django.db.models.functions import Greatest

from flags.domain.audience import RuleKind
from flags.models import Environment, Flag, SegmentMember, Site

#: What changed within this time is suggested.
LATELY = timedelta(days=14)
#: More suggestions are no help.
MOST = 8


@dataclass(frozen=True)
class Suspects:
    """Flags in use: those that changed at the site lately, the last first; then all others by name."""

    lately: Sequence[Flag]
    others: Sequence[Flag]


def list_suspects(*, environment: Environment | None, site: Site | None, now: datetime) -> Suspects:
    """Return the flags in the order in which they are suspected: one query.

    A rule is about a site when it names it, everyone, conditions, or a group with somebody who works there; a kill
    switch is about all of them. Without a site every rule counts.
    """
    rules = Q(states__environment=environment)
    if site is not None:
        segments = SegmentMember.objects.filter(Q(site=site) | Q(site=None)).values("segment")
        rules &= (
            Q(states__rules__kind__in=[RuleKind.EVERYONE, RuleKind.CONDITIONS])
            | Q(states__rules__site=site)
            | Q(states__rules__segment__in=segments)
        )
    killed = Max("states__killed_at", filter=Q(states__environment=environment))
    changed = Greatest(Max("states__rules__since", filter=rules), killed)
    rows = Flag.objects.filter(archived_at=None).annotate(changed_at=changed)
    flags = list(rows.order_by(F("changed_at").desc(nulls_last=True), "name"))
    lately = [flag for flag in flags if flag.changed_at and flag.changed_at >= now - LATELY][:MOST]
    suggested = {flag.pk for flag in lately}
    return Suspects(lately, sorted((flag for flag in flags if flag.pk not in suggested), key=lambda flag: flag.name))
