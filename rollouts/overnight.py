"""Reads what the guardrails said before the shops closed (docs/adr/0015)."""

from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from django.db.models import Max

from core.domain.business_time import day_bounds, local_day
from health.domain.verdict import Verdict
from health.models import StoredVerdict
from rollouts.domain.overnight import NO_DATA, Spell
from rollouts.models import Rollout, StepStatus
from rollouts.site_queries import list_own_sites

#: No plan of shops has a longer gap than August.
SEARCH_DAYS = 45


def list_spells(rollout: Rollout, *, now: datetime) -> list[Spell]:
    """Return the passes after which there was only silence: two queries."""
    done = rollout.steps.filter(status=StepStatus.DONE).order_by()
    widened = dict(done.values_list("flag__key").annotate(last=Max("done_at")))
    rows = StoredVerdict.objects.filter(subject=rollout.subject).order_by("lane", "flag_key", "pk")
    spells = []
    for (lane, flag_key), said in groupby(rows, key=lambda row: (row.lane, row.flag_key)):
        ended_at: datetime | None = None
        for row in said:
            if row.code not in NO_DATA:
                ended_at = now if row.verdict == Verdict.PASS else None
            elif ended_at == now:
                ended_at = row.at
        if ended_at is not None and flag_key in widened:
            spells.append(Spell(lane, flag_key, ended_at, widened[flag_key]))
    return spells


def find_last_open_day(rollout: Rollout, *, now: datetime) -> datetime | None:
    """Return the beginning of the last day before today on which a site was open: at most two queries."""
    zone = ZoneInfo(rollout.zone)
    sites = list_own_sites(rollout).values()
    today = local_day(now, zone=zone)
    days: list[date] = [today - timedelta(days=number) for number in range(1, SEARCH_DAYS)]
    found = next((day for day in days if any(site.view(day).is_open for site in sites)), None)
    return None if found is None else day_bounds(found, zone=zone)[0]
