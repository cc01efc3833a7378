"""Incidents as the public may know them: what was said of them, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Prefetch, Q

from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import Stage, Visibility
from incidents.domain.tiers import Tier
from incidents.domain.words import FIRST_WITHIN, WordStatus
from incidents.models import Incident, IncidentUpdate, PostMortem
from statuspage.domain.affecting import Trouble
from statuspage.domain.states import BY_TIER, IMPACTS, OVER, Said, state_of
from statuspage.facts import IncidentFacts, UpdateFacts, Words

#: Of the incidents of ninety days so many are looked at, the newest.
MOST = 1_000
#: What nobody spoke of is listed from this tier on.
UNSPOKEN_TIERS = frozenset({Tier.CRITICAL, Tier.IMPORTANT})


@dataclass(frozen=True)
class Known:
    """An incident with what it touches; `public` None: it is not listed. One that was merged does not count itself."""

    environment_id: int
    tier: Tier
    trouble: Trouble
    counts: bool
    public: IncidentFacts | None

    @property
    def trouble_now(self) -> Trouble | None:
        """What it makes of components now: as was said of it last."""
        if self.public is None or self.public.said in OVER:
            return None
        return replace(self.trouble, state=state_of(tier=self.tier, said=self.public.said))


def read_incidents(environments: Mapping[int, bool], *, since: datetime, now: datetime, until: datetime) -> list[Known]:
    """Return the real incidents of environments since a moment and the running ones, newest first: three queries.

    `environments`: by id, whether what nobody spoke of is listed. What still runs is counted until `until`.
    """
    words = Prefetch("updates", IncidentUpdate.objects.order_by("pk"), to_attr="said")
    rows = Incident.objects.filter(environment__in=environments, is_rehearsal=False)
    wanted = rows.filter(Q(detected_at__gte=since) | Q(restored_at__isnull=True) | Q(restored_at__gte=since))
    found = list(wanted.select_related("operation").prefetch_related(words).order_by("-detected_at", "-pk")[:MOST])
    post_mortems = PostMortem.objects.filter(
        incident__in=found, status=Stage.PUBLISHED, visibility=Visibility.PUBLIC
    ).only("incident", "slug", "public_title", "published_at")
    by_incident = {one.incident_id: one for one in post_mortems}
    by_id = {one.pk: one for one in found}
    return [
        _know(
            one,
            root=_find_root(one, by_id),
            post_mortem=by_incident.get(one.pk),
            lists_unspoken=environments[one.environment_id],
            now=now,
            until=until,
        )
        for one in found
    ]


def _find_root(incident: Incident, by_id: Mapping[int, Incident]) -> Incident:
    """Return the incident that this one is told with: itself, or what it was merged into in the end."""
    seen = {incident.pk}
    while incident.merged_into_id is not None and incident.merged_into_id not in seen:
        if incident.merged_into_id not in by_id:
            break
        incident = by_id[incident.merged_into_id]
        seen.add(incident.pk)
    return incident


def _know(
    incident: Incident,
    *,
    root: Incident,
    post_mortem: PostMortem | None,
    lists_unspoken: bool,
    now: datetime,
    until: datetime,
) -> Known:
    tier = Tier(incident.highest_tier)
    updates = _list_words(incident, root)
    if not updates and lists_unspoken and tier in UNSPOKEN_TIERS and incident.status != Status.MERGED:
        updates = _list_unspoken(incident, now=now)
    if updates and post_mortem is not None and post_mortem.published_at is not None:
        link = f"/post-mortems/{post_mortem.slug}/"
        updates.append(UpdateFacts(f"{incident.pk}-p", Said.POSTMORTEM, post_mortem.published_at, None, link))
    return Known(
        environment_id=incident.environment_id,
        tier=tier,
        trouble=_make_trouble(incident, tier, until=until),
        counts=incident.status != Status.MERGED,
        public=_make_public(incident, tier, updates, post_mortem) if updates else None,
    )


def _make_trouble(incident: Incident, tier: Tier, *, until: datetime) -> Trouble:
    return Trouble(
        state=BY_TIER[tier],
        began_at=incident.detected_at,
        ended_at=incident.restored_at or max(until, incident.detected_at),
        site_keys=frozenset(incident.site_keys),
        flag_keys=frozenset(incident.flag_keys),
        target_id=incident.operation.target_id if incident.operation else None,
    )


def _list_words(incident: Incident, root: Incident) -> list[UpdateFacts]:
    """Return what was said, the oldest first; the end of what it was merged into is its own end, too."""
    said = [_make_update(one) for one in _said(incident)]
    if not said or root.pk == incident.pk or said[-1].said is Said.RESOLVED:
        return said
    ends = [one for one in _said(root) if one.status == WordStatus.RESOLVED and one.at >= said[-1].at]
    return [*said, *(_make_update(one) for one in ends[-1:])]


def _said(incident: Incident) -> Sequence[IncidentUpdate]:
    found: list[IncidentUpdate] = incident.said  # type: ignore[attr-defined]  # prefetched
    return found


def _make_update(word: IncidentUpdate) -> UpdateFacts:
    return UpdateFacts(str(word.pk), Said(word.status), word.at, Words(fr=word.text_fr, en=word.text_en))


def _list_unspoken(incident: Incident, *, now: datetime) -> list[UpdateFacts]:
    """Return what is said of an incident that nobody spoke of: that it is looked into, and once it is over, that."""
    due_at = incident.opened_at + FIRST_WITHIN
    if due_at > (incident.restored_at or now):
        return []
    begun = UpdateFacts(f"{incident.pk}-i", Said.INVESTIGATING, due_at, None)
    if incident.restored_at is None:
        return [begun]
    return [begun, UpdateFacts(f"{incident.pk}-r", Said.RESOLVED, incident.restored_at, None)]


def _make_public(
    incident: Incident, tier: Tier, updates: Sequence[UpdateFacts], post_mortem: PostMortem | None
) -> IncidentFacts:
    last = updates[-1]
    spoken = [one for one in updates if one.said is not Said.POSTMORTEM]
    is_learnt = len(spoken) < len(updates)
    return IncidentFacts(
        id=incident.pk,
        impact=IMPACTS[tier],
        said=last.said,
        component_ids=(),
        updates=tuple(reversed(updates)),
        started_at=incident.detected_at,
        created_at=updates[0].at,
        updated_at=last.at,
        monitoring_at=next((one.at for one in updates if one.said is Said.MONITORING), None),
        resolved_at=spoken[-1].at if spoken[-1].said is Said.RESOLVED else incident.restored_at if is_learnt else None,
        title=post_mortem.public_title if post_mortem else "",
    )
