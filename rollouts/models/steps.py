"""Phases of a rollout and the steps within."""

from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.history import track
from flags.domain.audience import NAMED_KINDS
from flags.domain.bucketing import TOTAL_BP
from flags.models import Flag, Segment, Site
from flags.models.jsonb import is_json
from rollouts.domain.phase_guardrails import PhaseGuardrail
from rollouts.domain.templates import Gate, PhaseKind, SupportLevel
from rollouts.models.choices import choices_of
from rollouts.models.rollouts import Rollout


def say_whom(name: str | None, share_bp: int | None) -> str:
    """Return a step's audience: its segment's or site's name, a share such as "25 %", or `everyone` as a code."""
    return f"{share_bp * 100 / TOTAL_BP:g} %" if share_bp is not None else name or "everyone"


class PhaseStatus(models.TextChoices):
    PENDING = "pending", "pending"
    RUNNING = "running", "running"
    DONE = "done", "done"


class StepStatus(models.TextChoices):
    PLANNED = "planned", "planned"
    DONE = "done", "done"
    SKIPPED = "skipped", "skipped"


class Phase(models.Model):
    """A part of a rollout. `guardrails`: what it overrides of the environment's, each as a `PhaseGuardrail`."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="phases")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=choices_of(PhaseKind))
    gates = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    first_day = models.PositiveSmallIntegerField()
    last_day = models.PositiveSmallIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=PhaseStatus.choices, default=PhaseStatus.PENDING)
    gate_waived = models.BooleanField(default=False)
    support = models.CharField(
        max_length=10,
        choices=choices_of(SupportLevel),
        default=str(SupportLevel.STANDARD),
        db_default=str(SupportLevel.STANDARD),
    )
    guardrails = models.JSONField(default=list, blank=True)

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_phase_once", fields=["rollout", "position"]),
            models.CheckConstraint(name="rollouts_phase_forward", condition=Q(ends_at__gt=models.F("starts_at"))),
            models.CheckConstraint(
                name="rollouts_phase_days_forward", condition=Q(last_day__gte=models.F("first_day"))
            ),
            models.CheckConstraint(name="rollouts_phase_kind_known", condition=Q(kind__in=[str(k) for k in PhaseKind])),
            models.CheckConstraint(name="rollouts_phase_status_known", condition=Q(status__in=PhaseStatus.values)),
            models.CheckConstraint(
                name="rollouts_phase_support_known", condition=Q(support__in=[str(level) for level in SupportLevel])
            ),
            models.CheckConstraint(
                name="rollouts_phase_guardrails_listed", condition=Q(is_json("guardrails", '$.type() == "array"'))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.kind}"

    @property
    def overrides(self) -> tuple[PhaseGuardrail, ...]:
        """What it overrides of the environment's guardrails."""
        return tuple(PhaseGuardrail(**one) for one in self.guardrails)

    @property
    def asked_gates(self) -> frozenset[Gate]:
        """The gates that keep it from ending: a waiver leaves that of other people's approval, which nobody waives."""
        gates = frozenset(Gate(gate) for gate in self.gates)
        return gates & {Gate.APPROVAL} if self.gate_waived else gates


class Step(models.Model):
    """One change: a flag for a segment, a site or everyone, or for a share of everyone in basis points."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="steps")
    phase = models.ForeignKey(Phase, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField()
    flag = models.ForeignKey(Flag, on_delete=models.PROTECT, related_name="+")
    audience_kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in NAMED_KINDS])
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    share_bp = models.PositiveIntegerField(null=True, blank=True)
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=StepStatus.choices, default=StepStatus.PLANNED)
    done_at = models.DateTimeField(null=True, blank=True)

    history = track()

    class Meta:
        ordering = ["rollout", "position"]
        constraints = [
            models.UniqueConstraint(name="rollouts_step_once", fields=["rollout", "position"]),
            models.CheckConstraint(name="rollouts_step_status_known", condition=Q(status__in=StepStatus.values)),
            models.CheckConstraint(
                name="rollouts_step_done_when",
                condition=Q(status="done", done_at__isnull=False) | (~Q(status="done") & Q(done_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="rollouts_step_audience_whole",
                condition=Q(audience_kind="everyone", segment__isnull=True, site__isnull=True)
                | Q(audience_kind="segment", segment__isnull=False, site__isnull=True)
                | Q(audience_kind="site", segment__isnull=True, site__isnull=False),
            ),
            models.CheckConstraint(
                name="rollouts_step_share_of_everyone",
                condition=Q(share_bp__isnull=True) | Q(share_bp__gt=0, share_bp__lt=TOTAL_BP, audience_kind="everyone"),
            ),
        ]
        indexes = [models.Index(name="rollouts_step_due", fields=["due_at"], condition=Q(status="planned"))]

    @property
    def zone(self) -> ZoneInfo:
        """Whose day and hour it keeps: the site's, else the plan's."""
        return ZoneInfo(self.site.time_zone if self.site else self.rollout.zone)

    @property
    def whom(self) -> str:
        """The audience's name, a share such as "25 %", or `everyone` as a code."""
        named = self.site or self.segment
        return say_whom(named.name if named else None, self.share_bp)

    def __str__(self) -> str:
        return f"{self.rollout_id}: {self.flag_id} {self.audience_kind}"
