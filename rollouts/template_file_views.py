"""Plan templates as files: taken along, and brought in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from core.import_views import ImportForm, answer_file, answer_import
from core.roles import Capability, requires
from rollouts.models import PlanTemplate
from rollouts.template_files import export_templates, export_version
from rollouts.template_views import find_shown_version
from rollouts.transitions.importing import import_templates


@requires(Capability.VIEW)
def export_one(request: HttpRequest, key: str) -> HttpResponse:
    """Answer a template's newest version, or the one that the address asks for, as a file."""
    version = find_shown_version(request, get_object_or_404(PlanTemplate, key=key))
    return answer_file(export_version(version), name=key)


@requires(Capability.VIEW)
def export_all(request: HttpRequest) -> HttpResponse:
    """Answer all templates in use as one file."""
    return answer_file(export_templates(), name="plan-templates")


@requires(Capability.DRIVE_ROLLOUTS)
def import_file(request: HttpRequest) -> HttpResponse:
    """Show what a file of templates would change, then import it."""
    return answer_import(
        request,
        ImportForm(request.POST or None),
        import_templates,
        then="rollouts:templates",
        template="rollouts/import.html",
        context={},
    )
