"""Days on which something was broken, which no baseline may take for usual (see rollouts.unusual)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from incidents.domain.lifecycle import Status
from incidents.domain.tiers import Tier
from incidents.models import Incident


def list_troubled_days(environment_id: int, since: datetime, until: datetime, zone: ZoneInfo) -> set[date]:
    """Return the days from detection to verified restoration of critical and important incidents: one query.

    Minor ones are cosmetic: left open for weeks, one would leave nothing to compare with.
    """
    rows = (
        Incident.objects.filter(environment=environment_id, is_rehearsal=False, detected_at__lt=until)
        .exclude(highest_tier=Tier.MINOR)
        .exclude(status=Status.MERGED)
        .exclude(restored_at__lt=since)
    )
    days: set[date] = set()
    for detected_at, restored_at in rows.order_by().values_list("detected_at", "restored_at"):
        first = local_day(max(detected_at, since), zone=zone)
        last = local_day(min(restored_at or until, until), zone=zone)
        days |= {first + timedelta(days=offset) for offset in range((last - first).days + 1)}
    return days
