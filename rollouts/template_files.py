"""Plan templates as files: what is written, and what an import would change."""

from collections.abc import Collection, Iterable

from django.db.models import F

from core.domain.yaml_writing import write_documents
from core.errors import InvalidInput
from core.filing import find_schema_url
from rollouts.domain.template_document import read_phases
from rollouts.domain.template_file import FORMAT, write_template
from rollouts.models import PlanTemplate, PlanTemplateVersion
from rollouts.template_queries import list_newest_versions


def export_templates(keys: Collection[str] = ()) -> str:
    """Return templates as one file, by key: those named, whatever their state, else all in use."""
    versions = _list_versions(keys) if keys else list(list_newest_versions())
    if missing := set(keys) - {version.template.key for version in versions}:
        raise InvalidInput("template_not_there", template=min(missing))
    ordered = sorted(versions, key=lambda version: version.template.key)
    return write_documents(map(describe_version, ordered), schema_url=find_schema_url(FORMAT))


def describe_version(version: PlanTemplateVersion) -> dict[str, object]:
    """Return one version of a template as a file's document."""
    template = version.template
    return write_template(
        key=template.key,
        name=template.name,
        description=template.description,
        phases=read_phases(version.phases),
    )


def export_version(version: PlanTemplateVersion) -> str:
    """Return one version of a template as a file."""
    return write_documents([describe_version(version)], schema_url=find_schema_url(FORMAT))


def describe_templates(templates: Iterable[PlanTemplate]) -> dict[str, str]:
    """Return the documents of templates' newest versions, as text by key."""
    versions = _list_versions([template.key for template in templates])
    return {version.template.key: write_documents([describe_version(version)]) for version in versions}


def _list_versions(keys: Collection[str]) -> list[PlanTemplateVersion]:
    rows = PlanTemplateVersion.objects.select_related("template")
    return list(rows.filter(template__key__in=keys, number=F("template__number")))
