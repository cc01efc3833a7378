"""What a program or a shell asks for, by keys: made into what the transitions take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

from django.conf import settings

from core.errors import InvalidInput
from flags.models import SegmentMember, Site
from flags.transitions import NewMember
from rollouts.drawing import PlanRequest
from rollouts.models import Release, Rollout
from rollouts.queries import list_tester_segments
from rollouts.template_queries import list_newest_versions


@dataclass(frozen=True)
class PlanWish:
    """A plan by keys: a release's version, sites in their order, and either a start day or the length of
    a rehearsal's day. Without a template it is the built-in one."""

    release: str
    sites: Sequence[str]
    start_on: date | None = None
    day_seconds: int | None = None
    template: str = ""
    testers: str = ""
    pilots: Sequence[str] = ()
    promotion_time: time = time(6)
    allows_holidays: bool = False
    request_id: str = ""


def find_plan_request(wish: PlanWish, *, environment_id: int) -> PlanRequest:
    """Return the plan asked for; refuse what is not there, and a plan with no start or with two."""
    if (wish.start_on is None) == (wish.day_seconds is None):
        raise InvalidInput("start_missing")
    release = Release.objects.filter(version=wish.release).first()
    if release is None:
        raise InvalidInput("release_unknown", version=wish.release)
    return PlanRequest(
        release_id=release.pk,
        environment_id=environment_id,
        site_ids=_find_sites(wish.sites),
        testers_id=_find_testers(wish.testers),
        pilots=_find_people(wish.pilots),
        start_on=wish.start_on,
        day_seconds=wish.day_seconds,
        promotion_time=wish.promotion_time,
        zone=settings.TIME_ZONE,
        template_version_id=_find_template(wish.template),
        allows_holidays=wish.allows_holidays,
        request_id=wish.request_id,
    )


def find_flag_ids(rollout: Rollout, keys: Sequence[str]) -> list[int]:
    """Return the flags of a rollout with these keys; refuse a key of none."""
    found = dict(rollout.rollout_flags.values_list("flag__key", "flag_id"))
    if missing := [key for key in keys if key not in found]:
        raise InvalidInput("rollout_flag_unknown", flag=missing[0])
    return [found[key] for key in keys]


def _find_sites(keys: Sequence[str]) -> tuple[int, ...]:
    found = dict(Site.objects.filter(key__in=keys).values_list("key", "pk"))
    if missing := [key for key in keys if key not in found]:
        raise InvalidInput("site_key_unknown", site=missing[0])
    return tuple(found[key] for key in keys)


def _find_testers(key: str) -> int | None:
    if not key:
        return None
    segment = list_tester_segments().filter(key=key).first()
    if segment is None:
        raise InvalidInput("testers_unknown", segment=key)
    return segment.pk


def _find_people(keys: Sequence[str]) -> tuple[NewMember, ...]:
    """Return the people with these targeting keys, with name and site where they are known."""
    rows = SegmentMember.objects.filter(targeting_key__in=keys).order_by("targeting_key", "pk")
    known = {row.targeting_key: row for row in rows}
    return tuple(
        NewMember(key, known[key].label, known[key].site_id) if key in known else NewMember(key) for key in keys
    )


def _find_template(key: str) -> int | None:
    if not key:
        return None
    version = list_newest_versions().filter(template__key=key).first()
    if version is None:
        raise InvalidInput("template_unknown")
    return version.pk
