"""What the API says of rollouts, and how it reads them."""

from datetime import date, datetime, time
from typing import Annotated

from django.conf import settings
from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from pydantic import ConfigDict, Field

from core.errors import NotFound
from flags.rest import Answer, Caller
from rollouts.domain.lifecycle import Status
from rollouts.models import Rollout, RolloutFlag, RolloutSite, Step
from rollouts.queries import list_rollouts

Key = Annotated[str, Field(min_length=1, max_length=100)]


class RolloutFlagAnswer(Answer):
    key: str
    is_active: bool = Field(description="The rollout drives it")
    rolled_back_at: datetime | None
    acknowledged_at: datetime | None


class PhaseAnswer(Answer):
    kind: str
    status: str
    first_day: int
    last_day: int
    starts_at: datetime
    ends_at: datetime
    gates: list[str]


class RolloutAnswer(Answer):
    """A rollout; `epoch` is raised by every change a caller must know of before acting."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 12,
                    "release": "1.3.0",
                    "environment": "prod",
                    "status": "held",
                    "held_code": "flag_rolled_back",
                    "epoch": 9,
                    "attempt": 1,
                    "template": "four-phases",
                    "day_seconds": None,
                    "start_on": "2026-11-30",
                    "promotion_time": "06:00:00",
                    "sites": ["lyon", "nantes"],
                    "flags": [
                        {
                            "key": "price_buttons",
                            "is_active": False,
                            "rolled_back_at": "2026-12-01T09:12:00Z",
                            "acknowledged_at": None,
                        }
                    ],
                    "phases": [],
                    "created_at": "2026-11-24T08:00:00Z",
                    "ended_at": None,
                    "url": "https://portal.example.org/rollouts/12/",
                }
            ]
        }
    )

    id: int
    release: str
    environment: str
    status: Status
    held_code: str = Field(description="What holds it; empty where nothing does")
    epoch: int
    attempt: int
    template: str
    day_seconds: int | None = Field(description="Of a rehearsal: how long one of its days lasts")
    start_on: date | None
    promotion_time: time
    sites: list[str]
    flags: list[RolloutFlagAnswer]
    phases: list[PhaseAnswer]
    created_at: datetime
    ended_at: datetime | None
    url: str


class StepAnswer(Answer):
    """One change: a flag for an audience."""

    position: int
    phase: str
    flag: str
    audience: str = Field(description="`segment`, `site` or `everyone`")
    segment: str | None
    site: str | None
    share_bp: int | None = Field(description="Where only a share of the audience gets it, in basis points")
    due_at: datetime
    status: str
    done_at: datetime | None


def get_own_rollouts(caller: Caller) -> QuerySet[Rollout]:
    """Return the rollouts of a token's environment, newest first, with all that an answer says: four queries."""
    return (
        list_rollouts()
        .filter(environment=caller.environment)
        .select_related("template_version__template")
        .prefetch_related(
            Prefetch("rollout_flags", RolloutFlag.objects.select_related("flag").order_by("position")),
            Prefetch("rollout_sites", RolloutSite.objects.select_related("site").order_by("position")),
            "phases",
        )
    )


def get_own_rollout(caller: Caller, rollout_id: int) -> Rollout:
    """Return a rollout of a token's environment; another's is not there, as one that nobody planned."""
    row = get_own_rollouts(caller).filter(pk=rollout_id).first()
    if row is None:
        raise NotFound("rollout_unknown", rollout=rollout_id)
    return row


def say_rollout(row: Rollout) -> RolloutAnswer:
    """Return a rollout as the API says it, from `get_own_rollouts`."""
    return RolloutAnswer(
        id=row.pk,
        release=row.release.version,
        environment=row.environment.key,
        status=Status(row.status),
        held_code=row.held_code,
        epoch=row.epoch,
        attempt=row.attempt,
        template=row.template_version.template.key,
        day_seconds=row.day_seconds,
        start_on=row.start_on,
        promotion_time=row.promotion_time,
        sites=[one.site.key for one in row.rollout_sites.all()],
        flags=[
            RolloutFlagAnswer(
                key=one.flag.key,
                is_active=one.is_active,
                rolled_back_at=one.rolled_back_at,
                acknowledged_at=one.acknowledged_at,
            )
            for one in row.rollout_flags.all()
        ],
        phases=[PhaseAnswer.model_validate(one, from_attributes=True) for one in row.phases.all()],
        created_at=row.created_at,
        ended_at=row.ended_at,
        url=settings.PUBLIC_URL + reverse("rollouts:detail", kwargs={"pk": row.pk}),
    )


def say_step(row: Step) -> StepAnswer:
    """Return a step, read with its flag, phase, segment and site."""
    return StepAnswer(
        position=row.position,
        phase=row.phase.kind,
        flag=row.flag.key,
        audience=row.audience_kind,
        segment=row.segment.key if row.segment else None,
        site=row.site.key if row.site else None,
        share_bp=row.share_bp,
        due_at=row.due_at,
        status=row.status,
        done_at=row.done_at,
    )
