"""The page of a release."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.roles import Capability, requires
from rollouts.models import Release
from rollouts.release_view import compose_release


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one release: what is in it, where it is out, to whom, since when, and its rollouts."""
    page = compose_release(get_object_or_404(Release, pk=pk), now=clock.now())
    return render(request, "rollouts/release.html", {"release": page.release, "page": page})
