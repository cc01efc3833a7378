"""Pages of plan templates: list, look, make, change, archive."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.versions import get_version
from core.views import actor_of, read_int, read_version, write_from
from rollouts.domain.templates import PhaseKind, PhaseTemplate
from rollouts.models import PlanTemplate, PlanTemplateVersion
from rollouts.template_forms import TemplateForm, rearrange_phases
from rollouts.template_queries import list_template_views, view_template
from rollouts.transitions.templating import archive_template, create_template, edit_template, restore_template

#: What a new template begins with.
FIRST_PHASE = PhaseTemplate(PhaseKind.INTERNAL, days=2)
ACTIONS = {"archive": archive_template, "restore": restore_template}


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List templates, each with its phases."""
    return render(request, "rollouts/templates.html", {"views": list_template_views()})


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a template's newest version, or the one that the address asks for, and what was made from it."""
    template = get_object_or_404(PlanTemplate, key=key)
    version = find_shown_version(request, template)
    context = {
        "view": view_template(version),
        "versions": template.versions.select_related("created_by").order_by("-number"),
        "rollouts": version.rollouts.select_related("release", "environment").order_by("-pk")[:20],
        "seen": get_version(template),
    }
    return render(request, "rollouts/template.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def create(request: HttpRequest) -> HttpResponse:
    """Make a template, from nothing or as a copy of another's newest version."""
    source = PlanTemplate.objects.filter(key=request.GET.get("from", "")).first()
    phases: tuple[PhaseTemplate, ...] = (FIRST_PHASE,)
    initial = {}
    if source is not None:
        phases = tuple(view_template(_get_version(source, source.number)).phases)
        initial = {"name": _("%(name)s (copy)") % {"name": source.name}, "description": source.description}
    moved = rearrange_phases(request.POST)
    form = TemplateForm(moved or request.POST or None, phases=phases, initial=initial)
    made: list[PlanTemplate] = []

    def write() -> None:
        made.append(create_template(**form.wishes, actor=actor_of(request), now=clock.now()))

    if request.method == "POST" and moved is None and write_from(form, write):
        messages.success(request, _("Plan template made."))
        return redirect("rollouts:template", key=made[0].key)
    context = {"form": form, "title": _("New plan template"), "back": reverse("rollouts:templates")}
    return _ask(request, form, context, is_wrong=request.method == "POST" and moved is None)


@requires(Capability.DRIVE_ROLLOUTS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a template: other phases are a new version."""
    template = get_object_or_404(PlanTemplate, key=key)
    seen = read_version(request, template)
    moved = rearrange_phases(request.POST)
    form = TemplateForm(
        moved or request.POST or None,
        phases=view_template(_get_version(template, template.number)).phases,
        initial={"name": template.name, "description": template.description},
    )

    def write() -> None:
        edit_template(
            template_id=template.pk, **form.wishes, actor=actor_of(request), now=clock.now(), seen_version=seen
        )

    if request.method == "POST" and moved is None and write_from(form, write):
        messages.success(request, _("Plan template saved. Rollouts keep the version they were made from."))
        return redirect("rollouts:template", key=key)
    context = {
        "form": form,
        "title": template.name,
        "back": reverse("rollouts:template", args=[key]),
        "version": seen,
    }
    return _ask(request, form, context, is_wrong=request.method == "POST" and moved is None)


@requires(Capability.DRIVE_ROLLOUTS)
def act(request: HttpRequest, key: str, action: str) -> HttpResponse:
    """Archive a template, or restore it, with a reason."""
    template = get_object_or_404(PlanTemplate, key=key)
    if action not in ACTIONS:
        raise Http404
    if request.method == "POST":
        ACTIONS[action](
            template_id=template.pk,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
            seen_version=read_int(request, "version"),
        )
        messages.success(request, _("Archived.") if action == "archive" else _("Restored."))
    return redirect("rollouts:template", key=key)


def find_shown_version(request: HttpRequest, template: PlanTemplate) -> PlanTemplateVersion:
    """Return the version that the address asks for, else the newest."""
    wanted = request.GET.get("version", "")
    number = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 9 else template.number
    return _get_version(template, number)


def _get_version(template: PlanTemplate, number: int) -> PlanTemplateVersion:
    return get_object_or_404(template.versions.select_related("template"), number=number)


def _ask(request: HttpRequest, form: TemplateForm, context: dict[str, Any], *, is_wrong: bool) -> HttpResponse:
    return render(request, "rollouts/template_form.html", context, status=400 if is_wrong and form.errors else 200)
