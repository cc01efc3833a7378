"""Pages of those who keep the public page; the page itself stands in front of Django (statuspage.lean)."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, read_version
from flags.models import Environment
from statuspage.forms import ComponentForm, NewComponentForm, PageForm, PublicForm, values_of
from statuspage.models import Component, PublicEnvironment, StatusPage
from statuspage.queries import NAME
from statuspage.settings_queries import find_copy, list_environments
from statuspage.transitions import add_component, change_component, name_page, set_public


@requires(Capability.VIEW)
def show_settings(request: HttpRequest) -> HttpResponse:
    """Show what is public, with its components, and how the static copy does."""
    context = {
        "page": _get_page(),
        "url": settings.STATUS_PAGE_URL,
        "environments": list_environments(),
        "copy": find_copy(),
        "can_edit": can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return render(request, "statuspage/settings.html", context)


def _get_page() -> StatusPage:
    """Return the page as it was named, or as it is called while nobody has."""
    return StatusPage.objects.first() or StatusPage(pk=1, name_fr=NAME.fr, name_en=NAME.en)


@requires(Capability.DRIVE_ROLLOUTS)
def edit_page(request: HttpRequest) -> HttpResponse:
    """Name the page, and say whom to call."""
    page = _get_page()
    initial = {"name_fr": page.name_fr, "name_en": page.name_en, "hotline": page.hotline}
    form, seen = PageForm(request.POST or None, initial=initial), read_version(request, page)
    return _answer(
        request,
        form,
        lambda: name_page(**form.wishes, actor=actor_of(request), now=clock.now(), seen_version=seen),
        title=_("Name and hotline of the status page"),
        version=seen,
    )


@requires(Capability.DRIVE_ROLLOUTS)
def edit_public(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what of an environment everybody may see."""
    environment = get_object_or_404(Environment, pk=pk)
    row = PublicEnvironment.objects.filter(environment=environment).first() or PublicEnvironment()
    initial = {name: getattr(row, name) for name in PublicForm.base_fields if name != "reason"}
    form, seen = PublicForm(request.POST or None, initial=initial), read_version(request, row)
    return _answer(
        request,
        form,
        lambda: set_public(
            environment_id=environment.pk,
            **form.wishes,
            actor=actor_of(request),
            now=clock.now(),
            seen_version=seen,
        ),
        title=_("What everybody may see of %(environment)s") % {"environment": environment.name},
        version=seen,
    )


@requires(Capability.DRIVE_ROLLOUTS)
def new_component(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a component to an environment."""
    environment = get_object_or_404(Environment, pk=pk)
    form = NewComponentForm(request.POST or None, environment=environment)
    return _answer(
        request,
        form,
        lambda: add_component(
            environment_id=environment.pk,
            values=form.values,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
        ),
        title=_("New component in %(environment)s") % {"environment": environment.name},
        version=None,
    )


@requires(Capability.DRIVE_ROLLOUTS)
def edit_component(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a component's words, its place, or whether it is shown."""
    component = get_object_or_404(Component, pk=pk)
    form, seen = ComponentForm(request.POST or None, initial=values_of(component)), read_version(request, component)
    return _answer(
        request,
        form,
        lambda: change_component(
            component_id=component.pk,
            values=form.values,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
            seen_version=seen,
        ),
        title=str(component),
        version=seen,
    )


def _answer(
    request: HttpRequest, form: PageForm | PublicForm | ComponentForm, write: Callable[[], object], **context: object
) -> HttpResponse:
    def then() -> HttpResponse:
        messages.success(request, _("Saved. The public page shows it within a few seconds."))
        return redirect("statuspage:settings")

    template = "flags/form.html"
    return answer_form(
        request, form, write, then=then, template=template, context={"back": "statuspage:settings", **context}
    )
