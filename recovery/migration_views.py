"""Pages of a release's migrations: how each is gone back behind, said and tried."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form
from recovery.migration_forms import MigrationsForm
from recovery.migration_queries import list_migrations
from recovery.transitions.migrating import declare_migrations
from recovery.transitions.wishes import MOST_VERSION_CHARACTERS


@requires(Capability.VIEW)
def show(request: HttpRequest, version: str) -> HttpResponse:
    """Show the migrations of a release."""
    _check_version(version)
    return render(request, "recovery/migrations.html", {"version": version, "rows": list_migrations(version)})


@requires(Capability.OPERATE_TARGETS)
def describe(request: HttpRequest, version: str) -> HttpResponse:
    """Describe the migrations of a release, in their order."""
    _check_version(version)
    known = [row.migration for row in list_migrations(version)]
    form = MigrationsForm(request.POST or None, migrations=known)
    return answer_form(
        request,
        form,
        lambda: declare_migrations(
            version=version,
            migrations=form.wishes,
            actor=actor_of(request),
            reason=form.cleaned_data["reason"],
            now=clock.now(),
        ),
        then=lambda: redirect("recovery:migrations", version=version),
        template="recovery/migrations_form.html",
        context={"version": version},
    )


def _check_version(version: str) -> None:
    if len(version) > MOST_VERSION_CHARACTERS or not version.isprintable():
        raise Http404
