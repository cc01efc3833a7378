"""Reads of plan templates."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet

from core.errors import InvalidInput
from rollouts.domain.template_document import read_phases
from rollouts.domain.templates import BUILT_IN_KEY, PhaseTemplate
from rollouts.models import PlanTemplate, PlanTemplateVersion, Rollout


@dataclass(frozen=True)
class TemplateView:
    """A template with the phases of one of its versions."""

    template: PlanTemplate
    version: PlanTemplateVersion
    phases: Sequence[PhaseTemplate]


def list_newest_versions() -> QuerySet[PlanTemplateVersion]:
    """Return the newest version of every template in use, by name: what a plan can be made from."""
    newest = PlanTemplateVersion.objects.filter(number=F("template__number"), template__archived_at=None)
    return newest.select_related("template").order_by("template__name", "pk")


def get_template_version(version_id: int | None) -> PlanTemplateVersion:
    """Return a version, the newest of the built-in template with None; refuse where there is none."""
    rows = PlanTemplateVersion.objects.select_related("template")
    if version_id is None:
        found = rows.filter(template__key=BUILT_IN_KEY, number=F("template__number")).first()
    else:
        found = rows.filter(pk=version_id).first()
    if found is None:
        raise InvalidInput("template_unknown")
    return found


def guess_template(last: Rollout | None) -> PlanTemplateVersion | None:
    """Return the newest version of the last plan's template, or of the built-in one; None where neither is in use."""
    usable = list_newest_versions()
    same = usable.filter(template=last.template_version.template_id).first() if last else None
    return same or usable.filter(template__key=BUILT_IN_KEY).first() or usable.first()


def view_template(version: PlanTemplateVersion) -> TemplateView:
    """Return a version as its page shows it."""
    return TemplateView(version.template, version, read_phases(version.phases))


def list_template_views() -> list[TemplateView]:
    """Return every template with its newest phases, those archived last: one query."""
    newest = PlanTemplateVersion.objects.filter(number=F("template__number")).select_related("template")
    ordered = newest.order_by(F("template__archived_at").asc(nulls_first=True), "template__name")
    return [view_template(version) for version in ordered]


def list_templates_naming_segment(segment_key: str) -> list[PlanTemplate]:
    """Return the templates in use whose newest version names a segment."""
    return [
        view.template
        for view in list_template_views()
        if view.template.archived_at is None and any(phase.segment_key == segment_key for phase in view.phases)
    ]
