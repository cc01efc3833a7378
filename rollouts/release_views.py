"""The page of a release."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.roles import Capability, requires
from flags.current import get_current_environment
from rollouts.models import Release
from rollouts.release_view import compose_release
from rollouts.rollback_plan_view import compose_rollback_plan


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one release: what is in it, where it is out, to whom, since when, and its rollouts."""
    page = compose_release(get_object_or_404(Release, pk=pk), now=clock.now())
    return render(request, "rollouts/release.html", {"release": page.release, "page": page})


@requires(Capability.VIEW)
def show_rollback_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how a release is taken back in the environment that is looked at; made to be printed before it begins."""
    release = get_object_or_404(Release, pk=pk)
    environment = get_current_environment(request)
    if environment is None:
        raise Http404
    now = clock.now()
    plan = compose_rollback_plan(release, environment=environment, now=now)
    return render(request, "rollouts/rollback_plan.html", {"plan": plan, "release": release, "now": now})
