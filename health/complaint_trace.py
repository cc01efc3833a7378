"""Complaints day by day over a stretch of time, together or apart by site or flag."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from core.domain.business_time import local_day
from health.chart_queries import By, Where, Window
from health.domain.complaints import Voice, count_voices
from health.models import Complaint, ComplaintStatus


def count_daily(where: Where, window: Window) -> dict[str, dict[date, int]]:
    """Return how many complaints of a stretch count on each day of their site, by site, flag or together: one query.

    Together they have the key "". A day without any is missing. Neither spam nor duplicates count; what the same
    person says twice counts once.
    """
    rows = Complaint.objects.filter(
        environment__key=where.environment_key,
        status=ComplaintStatus.NEW,
        logged_at__gte=window.since,
        logged_at__lt=window.until,
    )
    if where.site_keys is not None:
        rows = rows.filter(site__key__in=where.site_keys)
    if where.by is By.FLAG:
        rows = rows.filter(flag__key__in=where.flag_keys)
    found = rows.order_by("pk").values_list(
        "logged_at", "site__key", "site__time_zone", "words__reporter", "flag__key", "words__text"
    )
    said: dict[str, dict[date, list[Voice]]] = defaultdict(lambda: defaultdict(list))
    for logged_at, site_key, zone, reporter, flag_key, text in found:
        key = {By.ALL: "", By.SITE: site_key, By.FLAG: flag_key}[where.by]
        day = local_day(logged_at, zone=ZoneInfo(zone))
        said[key][day].append(Voice(reporter or "", flag_key, text or ""))
    return {key: _count(days) for key, days in said.items()}


def _count(days: Mapping[date, list[Voice]]) -> dict[date, int]:
    return {day: count_voices(voices) for day, voices in days.items()}
