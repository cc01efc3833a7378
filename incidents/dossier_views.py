"""The dossier of a release: its page, and the files that people take."""

import re
from collections.abc import Callable, Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language

from core import clock
from core.roles import Capability, requires
from core.views import actor_of
from incidents.dossier_file import Made, write_html, write_json
from incidents.dossier_page import draw_rollouts
from incidents.dossier_queries import compose_facts, list_made
from incidents.post_mortem_labels import SECTIONS
from incidents.transitions.filing import note_dossier
from rollouts.domain.approving import hash_content
from rollouts.models import Release

#: What no name of a file holds.
ODD = re.compile(r"[^A-Za-z0-9._-]+")
WRITERS: Mapping[str, tuple[str, Callable[..., str]]] = {
    "html": ("text/html", write_html),
    "json": ("application/json", write_json),
}


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a release's dossier as it would be taken now; made to be printed."""
    release = get_object_or_404(Release, pk=pk)
    facts = compose_facts(release)
    context = {
        "release": release,
        "facts": facts,
        "rollouts": draw_rollouts(facts),
        "sections": list(SECTIONS.items()),
        "sha256": hash_content(facts),
        "taken": list_made(release),
    }
    return render(request, "incidents/dossier.html", context)


@requires(Capability.VIEW)
def take(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """Give the dossier as a file; who took which one is noted."""
    release = get_object_or_404(Release, pk=pk)
    if form not in WRITERS:
        raise Http404
    if request.method != "POST":
        return redirect("incidents:dossier", pk=pk)
    kind, write = WRITERS[form]
    facts, actor, now = compose_facts(release), actor_of(request), clock.now()
    note_dossier(release_id=pk, sha256=hash_content(facts), actor=actor, now=now)
    made = Made(by=actor.label, at=now, language=get_language() or "en")
    name = f"dossier-{ODD.sub('-', release.version)}-{now:%Y%m%d-%H%M%S}.{form}"
    response = HttpResponse(write(facts, made=made), content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
