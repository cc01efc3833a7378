"""What rollouts say of the flags and segments they use (see flags.dependants)."""

import re
from collections.abc import Collection, Mapping

from django.db.models import Q
from django.urls import reverse

from flags.dependants import Origin
from flags.models import Segment
from rollouts.models import Rollout
from rollouts.queries import list_rollouts
from rollouts.template_queries import list_templates_naming_segment

ORIGIN = re.compile(r"rollout:(\d+):\d+")


class RolloutsUse:
    """Rules laid by steps; flags and segments of rollouts."""

    def describe_origins(self, origins: Collection[str]) -> Mapping[str, Origin]:
        """Return label and page of each rollout among the origins: one query."""
        ids = {origin: int(found[1]) for origin in origins if (found := ORIGIN.fullmatch(origin))}
        rollouts = {rollout.pk: rollout for rollout in list_rollouts().filter(pk__in=set(ids.values()))}
        return {
            origin: Origin(str(rollouts[pk]), reverse("rollouts:detail", args=[pk]))
            for origin, pk in ids.items()
            if pk in rollouts
        }

    def list_uses_of_flag(self, flag_id: int) -> list[str]:
        """Return the rollouts that bring the flag and have not ended, drafts too."""
        uses = list_rollouts().filter(ended_at=None, rollout_flags__flag_id=flag_id)
        return [str(rollout) for rollout in uses]

    def list_uses_of_segment(self, segment_id: int) -> list[str]:
        """Return every rollout, past ones too, that has steps for the segment, and the templates that name it."""
        own = Q(testers_id=segment_id) | Q(pilots_id=segment_id) | Q(steps__segment_id=segment_id)
        uses: list[Rollout] = list(list_rollouts().filter(own).distinct())
        segment = Segment.objects.get(pk=segment_id)
        return [str(one) for one in [*uses, *list_templates_naming_segment(segment.key)]]
