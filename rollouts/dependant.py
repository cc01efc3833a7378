"""What rollouts say of the flags and segments they use (see flags.dependants)."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.urls import reverse

from core.domain.business_time import local_day
from flags.dependants import GoneHere, OnDuty, Origin, SiteNews
from flags.models import Segment, Site
from rollouts.domain.lifecycle import PROMISED
from rollouts.models import Rollout, RolloutFlag, Step, StepStatus
from rollouts.queries import list_rollouts
from rollouts.shut_queries import list_taken_back_at
from rollouts.support_queries import list_arriving, list_duty_at
from rollouts.template_queries import list_templates_naming_segment

ORIGIN = re.compile(r"rollout:(\d+):\d+(?::shut)?")


class RolloutsUse:
    """Rules laid by steps; flags and segments of rollouts."""

    def describe_origins(self, origins: Collection[str]) -> Mapping[str, Origin]:
        """Return label and page of each rollout among the origins: one query."""
        ids = {origin: int(found[1]) for origin in origins if (found := ORIGIN.fullmatch(origin))}
        rollouts = {rollout.pk: rollout for rollout in list_rollouts().filter(pk__in=set(ids.values()))}
        return {origin: _name(rollouts[pk]) for origin, pk in ids.items() if pk in rollouts}

    def list_uses_of_flags(self, flag_ids: Collection[int]) -> Mapping[int, list[str]]:
        """Return, by flag, the rollouts that bring it and have not ended, drafts too: one query."""
        uses = RolloutFlag.objects.filter(flag__in=flag_ids, rollout__ended_at=None)
        found: dict[int, list[str]] = {}
        for row in uses.select_related("rollout__release", "rollout__environment").order_by("-rollout"):
            found.setdefault(row.flag_id, []).append(str(row.rollout))
        return found

    def list_drivers(self, *, flag_id: int, environment_id: int) -> list[Origin]:
        """Return the rollouts, scheduled or under way, that drive the flag there: one query."""
        rows = RolloutFlag.objects.filter(flag=flag_id, environment=environment_id, is_active=True)
        return [
            _name(row.rollout)
            for row in rows.select_related("rollout__release", "rollout__environment").order_by("rollout")
        ]

    def list_uses_of_segment(self, segment_id: int) -> list[str]:
        """Return every rollout, past ones too, that has steps for the segment, and the templates that name it."""
        own = Q(testers_id=segment_id) | Q(pilots_id=segment_id) | Q(steps__segment_id=segment_id)
        uses: list[Rollout] = list(list_rollouts().filter(own).distinct())
        segment = Segment.objects.get(pk=segment_id)
        return [str(one) for one in [*uses, *list_templates_naming_segment(segment.key)]]

    def list_bound_uses(self, segment_id: int) -> list[str]:
        """Return the rollouts, scheduled or under way, that others approved for the segment's people: one query."""
        rows = list_rollouts().filter(status__in=PROMISED, environment__required_approvals__gt=0)
        named = Step.objects.filter(segment=segment_id).exclude(status=StepStatus.SKIPPED)
        return [str(one) for one in rows.filter(pk__in=named.values("rollout"))]

    def find_site_news(self, site: Site, *, now: datetime) -> SiteNews:
        """Return who is on duty for a site, what it gets today, and what is taken back there: four queries, or six."""
        duty = list_duty_at(site, now=now)
        people = [OnDuty(row.name, row.phone, row.hours) for row in duty or ()]
        zone = ZoneInfo(site.time_zone)
        gone = [
            GoneHere(
                brought_by=_name(one.rollout),
                at=one.at.astimezone(zone),
                is_today=local_day(one.at, zone=zone) == local_day(now, zone=zone),
                reason=one.reason,
                flags=one.flags,
            )
            for one in list_taken_back_at(site)
        ]
        return SiteNews(duty is not None, people, list_arriving(site, now=now), gone)


def _name(rollout: Rollout) -> Origin:
    return Origin(str(rollout), reverse("rollouts:detail", args=[rollout.pk]))
