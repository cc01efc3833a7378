"""The page of a post-mortem: written, reviewed, published, exported, printed."""

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone

from core import clock
from core.domain.lifecycle import can_move
from core.models import User
from core.roles import Capability, can, check_can, requires
from core.versions import get_version, map_versions
from core.views import actor_of, find_refusal, read_int
from flags.queries import get_flag_names, get_site_names
from incidents.action_item_forms import MeasureForm
from incidents.domain.lifecycle import Status
from incidents.domain.reviewing import EDGES, Stage, Visibility
from incidents.evidence_queries import read_evidence
from incidents.learning_queries import (
    asks_for_post_mortem,
    find_post_mortem_due,
    list_publishing_gaps,
)
from incidents.models import Incident, PostMortem
from incidents.post_mortem_file import write_markdown
from incidents.post_mortem_forms import PostMortemForm, compose_into, read_initial
from incidents.post_mortem_labels import DONE, SECTIONS
from incidents.recurrence_queries import list_earlier
from incidents.transitions import (
    approve_post_mortem,
    ask_for_post_mortem,
    hide_post_mortem,
    publish_post_mortem,
    send_back_post_mortem,
    submit_post_mortem,
    withdraw_post_mortem,
    write_post_mortem,
)
from procedures.queries import list_overridden

MOVES: Mapping[str, tuple[Stage, Callable[..., PostMortem]]] = {
    "submit": (Stage.IN_REVIEW, submit_post_mortem),
    "approve": (Stage.APPROVED, approve_post_mortem),
    "send-back": (Stage.DRAFT, send_back_post_mortem),
    "publish": (Stage.PUBLISHED, publish_post_mortem),
    "withdraw": (Stage.DRAFT, withdraw_post_mortem),
}
#: Without a version: the first press and the last resort.
AT_ONCE: Mapping[str, Callable[..., PostMortem]] = {"ask": ask_for_post_mortem, "hide": hide_post_mortem}


def _get(pk: int) -> Incident:
    rows = Incident.objects.select_related("environment", "commander", "rollout", "post_mortem__approved_by")
    return get_object_or_404(rows, pk=pk)


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a post-mortem; those who handle incidents write it here."""
    if request.method == "POST":
        check_can(request.user, Capability.HANDLE_INCIDENTS)  # type: ignore[arg-type]  # a person, see the guard
        return _save(request, pk)
    return render_page(request, pk)


def _save(request: HttpRequest, pk: int) -> HttpResponse:
    """Save what was written, show it as it will be read, or compose the root cause of the five answers."""
    _get(pk)
    wish, data = request.POST.get("do", "save"), request.POST.dict()
    form = PostMortemForm(compose_into(data) if wish == "compose" else data)
    if not form.is_valid():
        return render_page(request, pk, status=400, form=form)
    if wish in {"compose", "preview"}:
        return render_page(request, pk, form=form, is_preview=wish == "preview")
    refusal = find_refusal(
        form,
        lambda: write_post_mortem(incident_id=pk, actor=actor_of(request), now=clock.now(), **form.wishes),
        fields={"earlier_incident_unknown": "repeats"},
    )
    if refusal is not None:
        # What was typed stays in the form: sent again, it stands beside what the other person wrote.
        form.data = {**form.data, "seen": str(get_version(get_object_or_404(PostMortem, incident=pk)))}
        return render_page(request, pk, status=refusal.status, form=form)
    messages.success(request, str(DONE["save"]))
    return redirect("incidents:post_mortem", pk=pk)


@requires(Capability.HANDLE_INCIDENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Lead a post-mortem to its next stage, or back."""
    _get(pk)
    if action not in MOVES and action not in AT_ONCE:
        raise Http404
    if request.method != "POST":
        return redirect("incidents:post_mortem", pk=pk)
    said: dict[str, Any] = {
        "incident_id": pk,
        "actor": actor_of(request),
        "reason": request.POST.get("reason", ""),
        "now": clock.now(),
    }
    if action in AT_ONCE:
        AT_ONCE[action](**said)
    else:
        MOVES[action][1](**said, seen=read_int(request, "seen"))
    messages.success(request, str(DONE[action]))
    return redirect("incidents:post_mortem", pk=pk)


@requires(Capability.VIEW)
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Download a post-mortem as Markdown, in the reader's language."""
    incident = _get(pk)
    text = write_markdown(incident, now=clock.now())
    answer = HttpResponse(text, content_type="text/markdown; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="incident-{pk}-post-mortem.md"'
    return answer


@requires(Capability.VIEW)
def print_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a post-mortem as it goes on paper: everything, and nothing to press."""
    incident = _get(pk)
    return render(request, "incidents/post_mortem_print.html", _read(incident))


def render_page(
    request: HttpRequest,
    pk: int,
    *,
    status: int = 200,
    form: PostMortemForm | None = None,
    measure_form: Form | None = None,
    is_preview: bool = False,
) -> HttpResponse:
    """Render the page; forms are those that were sent and come back."""
    incident = _get(pk)
    context = _read(incident)
    post_mortem, version = context["post_mortem"], get_version(context["post_mortem"])
    may = can(request.user, Capability.HANDLE_INCIDENTS)
    is_author = any(one.user_id == request.user.pk for one in context["authors"])
    stage, is_closed = Stage(post_mortem.status), incident.status == Status.CLOSED
    context |= {
        "version": version,
        "moves": _list_moves(stage, is_author=is_author, is_closed=is_closed) if may else [],
        "is_author": is_author,
        "can_write": may and not is_closed and stage != Stage.PUBLISHED,
        "can_hide": may and stage == Stage.PUBLISHED and post_mortem.visibility == Visibility.PUBLIC,
        "form": form or PostMortemForm(initial=read_initial(post_mortem, seen=version)),
        "is_sent": form is not None,
        "preview": [(SECTIONS[name], form.cleaned_data[name]) for name in SECTIONS] if form and is_preview else [],
        "preview_public": form.cleaned_data["public_text"] if form and is_preview else "",
        "measure_form": measure_form or MeasureForm(initial={"owner": request.user.pk}),
        "versions": map_versions(context["items"]),
        "people": User.objects.filter(is_active=True).order_by("username") if may else [],
    }
    return render(request, "incidents/post_mortem.html", context, status=status)


def _list_moves(stage: Stage, *, is_author: bool, is_closed: bool) -> list[str]:
    """Return what a person may press: reviewing is not for authors, and what is closed stays."""
    open_to = {name for name, (end, _write) in MOVES.items() if can_move(EDGES, start=stage, end=end)}
    if is_author:
        open_to -= {"approve", "send-back"}
    if stage != Stage.IN_REVIEW:
        open_to -= {"send-back"}
    if is_closed:
        open_to -= {"withdraw"}
    return [name for name in MOVES if name in open_to]


def _read(incident: Incident) -> dict[str, Any]:
    """Return what every form of the page shows: the page itself, and paper."""
    now, post_mortem = clock.now(), incident.post_mortem
    items = list(post_mortem.action_items.select_related("owner", "verifier", "done_by", "verified_by"))
    return {
        "incident": incident,
        "post_mortem": post_mortem,
        "is_asked": asks_for_post_mortem(incident, post_mortem),
        "due_on": find_post_mortem_due(incident, post_mortem),
        "gaps": list_publishing_gaps(incident, post_mortem),
        "authors": list(post_mortem.authors.select_related("user")),
        "sections": [(label, getattr(post_mortem, name)) for name, label in SECTIONS.items()],
        "evidence": read_evidence(incident, post_mortem.evidence, now=now),
        "earlier": list_earlier(incident),
        "passed_over": list_overridden(incident.rollback_id) if incident.rollback_id else [],
        "items": items,
        "today": timezone.localdate(now),
        "flag_names": get_flag_names(),
        "site_names": get_site_names(),
    }
