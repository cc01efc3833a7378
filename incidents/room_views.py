"""The war room's own pages: what is known, the public word, the checklist."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form
from incidents.domain.tiers import Tier
from incidents.domain.words import WordStatus
from incidents.models import Incident
from incidents.room_forms import KnownForm, WordForm
from incidents.room_labels import WORD_STATUSES
from incidents.timeline_queries import find_last_update, find_word_due, list_updates, read_board
from incidents.transitions import say_word, tick_item, untick_item, write_known

SHOWN_WORDS = 20


@requires(Capability.HANDLE_INCIDENTS)
def known(request: HttpRequest, pk: int) -> HttpResponse:
    """Write what is known now."""
    incident = get_object_or_404(Incident, pk=pk)
    board = read_board(pk)
    text = board.known.note if board.known else ""
    form = KnownForm(request.POST or None, initial={"text": text, "seen": board.known_version})

    def write() -> None:
        given = form.cleaned_data
        write_known(incident_id=pk, text=given["text"], actor=actor_of(request), now=clock.now(), seen=given["seen"])
        messages.success(request, _("Everybody reads it now."))

    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("incidents:detail", pk=pk),
        template="incidents/known.html",
        context={"incident": incident, "board": board},
    )


@requires(Capability.HANDLE_INCIDENTS)
def word(request: HttpRequest, pk: int) -> HttpResponse:
    """Record a public word, under what was said before."""
    incident = get_object_or_404(Incident.objects.select_related("environment"), pk=pk)
    last = find_last_update(pk)
    status = WordStatus.RESOLVED if incident.restored_at else last.status if last else WordStatus.INVESTIGATING
    form = WordForm(
        request.POST or None,
        tier=Tier(incident.highest_tier),
        initial={"status": status, "seen": last.pk if last else 0},
    )

    def write() -> None:
        given, now = form.cleaned_data, clock.now()
        say_word(
            incident_id=pk,
            status=WordStatus(given["status"]),
            text_fr=given["text_fr"],
            text_en=given["text_en"],
            one_language_reason=given["one_language_reason"],
            next_at=None if form.is_last else now + timedelta(minutes=int(given["ahead"])),
            actor=actor_of(request),
            now=now,
            seen=given["seen"],
        )
        messages.success(request, _("It is on record, and the crew knows it."))

    return answer_form(
        request,
        form,
        write,
        then=lambda: redirect("incidents:detail", pk=pk),
        template="incidents/word.html",
        context={
            "incident": incident,
            "updates": [(one, WORD_STATUSES[one.status]) for one in list_updates(pk)[:SHOWN_WORDS]],
            "due_at": find_word_due(incident, last=last),
        },
    )


@requires(Capability.HANDLE_INCIDENTS)
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick an item of the checklist off, or take the tick back."""
    get_object_or_404(Incident, pk=pk)
    if request.method != "POST":
        return redirect("incidents:detail", pk=pk)
    is_back = "untick" in request.POST
    item = request.POST.get("untick" if is_back else "tick", "")
    (untick_item if is_back else tick_item)(incident_id=pk, item=item, actor=actor_of(request), now=clock.now())
    return redirect("incidents:detail", pk=pk)
