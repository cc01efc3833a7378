"""Writes of plan templates: each change of phases is a version of its own, which stays."""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from core.actors import INSTALLATION, Actor
from core.errors import InvalidInput, Refusal
from core.history import Recording, recorded
from core.versions import check_version
from flags.models import Flag, Segment
from flags.transitions.locking import get_locked_segment
from rollouts.domain.template_check import check_last_phase, check_phases
from rollouts.domain.template_document import read_phases, write_phases
from rollouts.domain.templates import BUILT_IN_KEY, FOUR_PHASES, PhaseTemplate
from rollouts.models import PlanTemplate, PlanTemplateVersion

REASON_INSTALLED = "The built-in template comes with the portal"
#: Addresses beside those of templates.
RESERVED_KEYS = frozenset({"new"})
BUILT_IN_NAME = "Internal, pilot, one site a day, everyone"


@transaction.atomic
def create_template(
    *,
    name: str,
    phases: Sequence[PhaseTemplate],
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
    key: str = "",
) -> PlanTemplate:
    """Create a template with its first version; without a key, its name gives one."""
    name = name.strip()
    key = key or slugify(name)[:100]
    if key in RESERVED_KEYS:
        raise InvalidInput("key_reserved", key=key)
    if not name or not key:
        raise InvalidInput("template_unnamed")
    _check(phases)
    check_last_phase(phases)
    template = PlanTemplate(key=key, name=name[:100], description=description)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        try:
            with transaction.atomic():
                template.save()
        except IntegrityError:
            raise Refusal("template_exists", template=key) from None
        _add_version(template, phases, recording)
    return template


@transaction.atomic
def edit_template(
    *,
    template_id: int,
    name: str,
    phases: Sequence[PhaseTemplate],
    actor: Actor,
    reason: str,
    now: datetime,
    description: str = "",
    seen_version: int | None = None,
) -> PlanTemplate:
    """Change a template; other phases make a new version. Rollouts keep the one they were made from."""
    template = _get_locked(template_id, seen_version=seen_version)
    if not name.strip():
        raise InvalidInput("template_unnamed")
    _check(phases)
    newest = template.versions.get(number=template.number)
    is_new = read_phases(newest.phases) != tuple(phases)
    if is_new:
        check_last_phase(phases)
    with recorded(actor=actor, reason=reason, now=now) as recording:
        template.name, template.description = name.strip()[:100], description
        template.number += is_new
        template.save()
        if is_new:
            _add_version(template, phases, recording)
    return template


@transaction.atomic
def archive_template(
    *, template_id: int, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> PlanTemplate:
    """Archive a template: no plan is made from it any more."""
    return _set_archived(template_id, at=now, actor=actor, reason=reason, now=now, seen_version=seen_version)


@transaction.atomic
def restore_template(
    *, template_id: int, actor: Actor, reason: str, now: datetime, seen_version: int | None = None
) -> PlanTemplate:
    """Bring a template back."""
    return _set_archived(template_id, at=None, actor=actor, reason=reason, now=now, seen_version=seen_version)


def install_built_in(*, now: datetime) -> None:
    """Make sure that the customer's template is there; one that people changed stays as they left it."""
    if not PlanTemplate.objects.filter(key=BUILT_IN_KEY).exists():
        create_template(
            name=BUILT_IN_NAME,
            phases=FOUR_PHASES,
            actor=INSTALLATION,
            reason=REASON_INSTALLED,
            now=now,
            key=BUILT_IN_KEY,
        )


def _set_archived(
    template_id: int, *, at: datetime | None, actor: Actor, reason: str, now: datetime, seen_version: int | None
) -> PlanTemplate:
    template = _get_locked(template_id, seen_version=seen_version)
    with recorded(actor=actor, reason=reason, now=now):
        template.archived_at = at
        template.save()
    return template


def _get_locked(template_id: int, *, seen_version: int | None) -> PlanTemplate:
    template = PlanTemplate.objects.select_for_update(of=("self",)).filter(pk=template_id).first()
    if template is None:
        raise InvalidInput("template_unknown")
    check_version(template, seen_version)
    return template


def _check(phases: Sequence[PhaseTemplate]) -> None:
    """Refuse phases that cannot be, or that name a segment or flag that is not there."""
    check_phases(phases)
    for key in sorted({phase.segment_key for phase in phases} - {""}):
        segment = Segment.objects.filter(key=key).first()
        if segment is None:
            raise InvalidInput("template_segment_unknown", segment=key)
        # Locked, so that nobody deletes it before this version is there.
        get_locked_segment(segment.pk)
    named = {key for phase in phases for key in phase.flag_order}
    missing = named - set(Flag.objects.filter(key__in=named).values_list("key", flat=True))
    if missing:
        raise InvalidInput("template_flag_unknown", flag=min(missing))


def _add_version(template: PlanTemplate, phases: Sequence[PhaseTemplate], recording: Recording) -> None:
    PlanTemplateVersion.objects.create(
        template=template,
        number=template.number,
        phases=write_phases(phases),
        created_at=recording.now,
        created_by_id=recording.actor.user_id,
        reason=recording.reason,
    )
