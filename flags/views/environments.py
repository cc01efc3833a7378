"""Pages of environments, for admins."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form, read_version
from flags.forms import EnvironmentForm, NewEnvironmentForm
from flags.models import Environment
from flags.page_queries import list_environment_rows
from flags.transitions import create_environment, edit_environment


@requires(Capability.MANAGE_ENVIRONMENTS)
def list_all(request: HttpRequest) -> HttpResponse:
    """List environments."""
    return render(request, "flags/environments.html", {"environments": list_environment_rows()})


@requires(Capability.MANAGE_ENVIRONMENTS)
def create(request: HttpRequest) -> HttpResponse:
    """Make an environment; every flag is off there."""
    form = NewEnvironmentForm(request.POST or None)
    return answer_form(
        request,
        form,
        lambda: create_environment(**form.wishes, actor=actor_of(request), now=clock.now()),
        then=lambda: redirect("flags:environments"),
        template="flags/form.html",
        context={"title": _("New environment"), "back": "flags:environments"},
    )


@requires(Capability.MANAGE_ENVIRONMENTS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change what an environment says of itself."""
    environment = get_object_or_404(Environment, key=key)
    initial = {name: getattr(environment, name, "") for name in EnvironmentForm.base_fields}
    form = EnvironmentForm(
        request.POST or None, initial=initial | {"allowed_origins": "\n".join(environment.allowed_origins)}
    )
    seen = read_version(request, environment)
    return answer_form(
        request,
        form,
        lambda: edit_environment(
            environment_id=environment.pk,
            **form.wishes,
            actor=actor_of(request),
            now=clock.now(),
            seen_version=seen,
        ),
        then=lambda: redirect("flags:environments"),
        template="flags/form.html",
        context={"title": environment.name, "back": "flags:environments", "version": seen},
    )
