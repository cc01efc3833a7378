"""Reads of notices: what a till tells its cashier on the site's day, as long as the till has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Min

from core.domain.business_time import day_bounds, local_day
from flags.domain.definition import FlagDefinition
from flags.domain.evaluation import TargetingKeyMissing, compile_flag
from flags.models import Flag, Picture, Site
from rollouts.models import Step, StepStatus


@dataclass(frozen=True)
class Notice:
    """A note for cashiers on a flag that came to a site today: shown from `since` to `until`, the end of its day."""

    flag: Flag
    since: datetime
    until: datetime

    @property
    def key(self) -> str:
        """What a till remembers it by: the same again tomorrow or after it was taken back is another."""
        return f"flag:{self.flag.key}:{self.since.isoformat()}"


def list_notices(
    site_key: str, *, environment_id: int, definitions: Mapping[str, FlagDefinition], now: datetime
) -> list[Notice]:
    """Return the notes on what a site has got today by a step of its own, and still gets: at most three queries.

    `definitions` is what the environment serves now: a flag taken back in whatever way is told of no more.
    """
    site = Site.objects.filter(key=site_key).first()
    if site is None:
        return []
    zone = ZoneInfo(site.time_zone)
    start, end = day_bounds(local_day(now, zone=zone), zone=zone)
    done = Step.objects.filter(
        site=site, rollout__environment=environment_id, status=StepStatus.DONE, done_at__gte=start, done_at__lt=end
    )
    since = dict(done.order_by().values_list("flag").annotate(since=Min("done_at")))
    flags = Flag.objects.filter(pk__in=since, archived_at=None).exclude(cashier_note_fr__regex=r"^\s*$")
    rows = flags.select_related("note_picture").order_by("name") if since else []
    return [Notice(flag, since[flag.pk], end) for flag in rows if is_given(definitions.get(flag.key), site_key)]


def is_given(definition: FlagDefinition | None, site_key: str) -> bool:
    """Tell whether the whole site gets something other than the flag switched off would give."""
    if definition is None:
        return False
    try:
        return compile_flag(definition)({"site": site_key}).variant != definition.off_variant
    except TargetingKeyMissing:
        return False


def find_picture(key: str) -> bytes | None:
    """Return a picture's content, WebP: one query."""
    content = Picture.objects.filter(key=key).values_list("content", flat=True).first()
    return None if content is None else bytes(content)
