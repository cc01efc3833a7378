"""The printable plan for taking a release back in one environment: on paper before it starts, for the worst day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from core.models import User
from core.roles import Role
from flags.models import Environment, Site
from recovery.migration_queries import MigrationRow, list_migrations
from recovery.models import Deployment, RestorePoint
from recovery.readiness_queries import TargetLight, list_lights
from rollouts.domain.lifecycle import ENDED
from rollouts.models import Release, Rollout, RolloutSite, SupportShift
from rollouts.release_view import Out, list_out
from rollouts.support_queries import list_shifts

#: People on duty are listed so far ahead: the paper is printed before the release begins.
DUTY_DAYS = 14


@dataclass(frozen=True)
class TargetPlan:
    """How a target goes back: from what, to what, by which restore point."""

    light: TargetLight
    deployment: Deployment | None
    point: RestorePoint | None

    @property
    def is_reversible(self) -> bool:
        """Whether what runs there can go back behind its migrations, and keep what was sold."""
        return bool(self.light.target.reverse and self.deployment and self.deployment.reversals)


@dataclass(frozen=True)
class RollbackPlan:
    release: Release
    environment: Environment
    flags: Sequence[Out]
    rollouts: Sequence[Rollout]
    targets: Sequence[TargetPlan]
    migrations: Sequence[MigrationRow]
    managers: Sequence[User]
    shifts: Sequence[SupportShift]
    sites: Sequence[Site]
    until: date

    @property
    def reversible(self) -> list[TargetPlan]:
        """Return the targets that can go back behind their migrations."""
        return [one for one in self.targets if one.is_reversible]


def compose_rollback_plan(release: Release, *, environment: Environment, now: datetime) -> RollbackPlan:
    """Return what the paper says, in a bounded number of queries."""
    today = timezone.localdate(now)
    until = today + timedelta(days=DUTY_DAYS)
    rollouts = list(
        release.rollouts.filter(environment=environment, is_rehearsal=False)
        .exclude(status__in=ENDED)
        .select_related("release", "environment")
        .order_by("-pk")
    )
    concerned = RolloutSite.objects.filter(rollout__in=rollouts).values("site")
    return RollbackPlan(
        release=release,
        environment=environment,
        flags=list_out(release, environment=environment),
        rollouts=rollouts,
        targets=_list_targets(environment, now=now),
        migrations=list_migrations(release.version),
        managers=list(_list_managers()),
        shifts=list_shifts(since=today, until=until),
        sites=list(Site.objects.filter(pk__in=concerned).order_by("name")),
        until=until,
    )


def _list_targets(environment: Environment, *, now: datetime) -> list[TargetPlan]:
    lights = list_lights(environment_id=environment.pk, now=now)
    keys = [one.target.pk for one in lights]
    standing = Deployment.objects.filter(target__in=keys, rolled_back_at=None, live_at__isnull=False)
    newest = {one.target_id: one for one in standing.order_by("target_id", "-pk").distinct("target_id")}
    verified = RestorePoint.objects.filter(target__in=keys, status="verified").defer("manifest")
    points = {one.target_id: one for one in verified.order_by("target_id", "-taken_at").distinct("target_id")}
    return [TargetPlan(one, newest.get(one.target.pk), points.get(one.target.pk)) for one in lights]


def _list_managers() -> "QuerySet[User]":
    roles = [str(Role.RELEASE_MANAGER), str(Role.ADMIN)]
    return User.objects.filter(groups__name__in=roles, is_active=True).distinct().order_by("last_name", "username")
