"""Pages of a release's migrations: how each is gone back behind, said and tried."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form
from recovery.migration_forms import MigrationsForm
from recovery.migration_queries import list_migrations
from recovery.transitions.migrating import declare_migrations


@requires(Capability.VIEW)
def show(request: HttpRequest, version: str) -> HttpResponse:
    """Show the migrations of a release."""
    return render(request, "recovery/migrations.html", {"version": version, "rows": list_migrations(version)})


@requires(Capability.OPERATE_TARGETS)
def describe(request: HttpRequest, version: str) -> HttpResponse:
    """Describe the migrations of a release, in their order."""
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
