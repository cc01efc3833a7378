"""Pages of announcements: the list, one with all that was said, corrections, and what is pressed."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from announcements.beginning import WORDS
from announcements.domain.lifecycle import EDGES, Status
from announcements.domain.message import LANGUAGES
from announcements.forms import FIELDS_OF_REFUSALS, AnnouncementFilter, CorrectForm, WithdrawForm
from announcements.labels import DONE
from announcements.messages import say_titles
from announcements.models import Announcement, OutletRun
from announcements.outlets import find_outlet
from announcements.previewing import preview_announcement, preview_message
from announcements.queries import Page, find_page, list_states, list_versions
from announcements.tasks import drive_outlets
from announcements.transitions import (
    correct_announcement,
    try_outlet_again,
    unschedule_announcement,
    withdraw_announcement,
)
from announcements.transitions.drafting import fill_words, move_window
from announcements.transitions.locking import with_subjects
from announcements.transitions.publishing import compose_correction
from core import clock
from core.domain.lifecycle import can_move
from core.errors import Refusal
from core.labels import REFUSALS
from core.roles import Capability, can, check_can, requires
from core.versions import get_version
from core.views import actor_of, find_refusal, read_int, read_place, read_version
from flags.queries import get_site_names

ACTIONS = frozenset({"unschedule", "withdraw", "again"})


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List announcements, the newest first; filters and place live in the address."""
    chosen, page = AnnouncementFilter(request.GET), Page([], None)
    if chosen.is_valid():
        page = find_page(chosen.cleaned_data, before=read_place(request), now=clock.now())
    address = request.GET.copy()
    address.pop("before", None)
    context = {"filter": chosen, "page": page, "address": address.urlencode() if any(address.values()) else ""}
    return render(request, "announcements/list.html", context)


@requires(Capability.VIEW)
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one: its words as they were said or would be, who was told, how far its outlets are, what can be done."""
    announcement = get_announcement(pk)
    is_waiting = announcement.status in {Status.DRAFT, Status.SCHEDULED}
    shown = preview_announcement(announcement, by_id=request.user.pk, now=clock.now()) if is_waiting else None
    may_publish = can(request.user, Capability.PUBLISH_ANNOUNCEMENTS)
    may_draft = can(request.user, Capability.DRAFT_ANNOUNCEMENTS)
    moves = {end for end in Status if can_move(EDGES, start=Status(announcement.status), end=end)}
    context = {
        "announcement": announcement,
        "titles": _find_titles(announcement),
        "sites": _name_sites(announcement.site_keys),
        "versions": [_draw_version(one) for one in list_versions(announcement)],
        "states": list_states(announcement),
        "followers": announcement.followers.order_by("pk"),
        "preview": shown,
        "fault": "",
        "version": get_version(announcement),
        "may_edit": may_draft and announcement.status == Status.DRAFT,
        "may_publish": may_publish and is_waiting,
        "only_drafts": may_draft and not may_publish and announcement.status == Status.DRAFT,
        "may_correct": may_publish and announcement.status in {Status.PUBLISHED, Status.CORRECTED},
        "may_follow": may_draft and announcement.is_said,
        "may_unschedule": may_publish and announcement.status == Status.SCHEDULED,
        "may_withdraw": Status.WITHDRAWN in moves and (may_publish or (may_draft and Status.SCHEDULED in moves)),
        "withdrawal": WithdrawForm(is_said=announcement.is_said),
        "now": clock.now(),
    }
    return render(request, "announcements/detail.html", context)


def _find_titles(announcement: Announcement) -> dict[str, str]:
    """Return its titles as they were said last, of a draft as far as its own row fills them."""
    last = announcement.versions.first()
    if last is None:
        return say_titles(announcement)
    return {language: getattr(last, f"title_{language}") for language in LANGUAGES}


def _name_sites(keys: Sequence[str]) -> list[str]:
    """Return what sites are called; one that is gone keeps its key."""
    names = get_site_names() if keys else {}
    return [names.get(key, key) for key in keys]


def _draw_version(version: Any) -> dict[str, Any]:
    runs = [(run, _name_outlet(run.outlet), REFUSALS.get(run.failure, "")) for run in version.runs.all()]
    sides = [
        (language, getattr(version, f"title_{language}"), getattr(version, f"body_{language}"))
        for language in LANGUAGES
    ]
    notes = [(language, note) for language in LANGUAGES if (note := getattr(version, f"note_{language}"))]
    return {"version": version, "runs": runs, "sides": [one for one in sides if one[1] and one[2]], "notes": notes}


def _name_outlet(key: str) -> Any:
    """Return an outlet's words, its key where its app is gone."""
    outlet = find_outlet(key)
    return outlet.label if outlet else key


@requires(Capability.PUBLISH_ANNOUNCEMENTS)
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Put right what was said; it goes to those whom it reached."""
    announcement = get_announcement(pk)
    if announcement.status not in {Status.PUBLISHED, Status.CORRECTED}:
        return redirect("announcements:detail", pk=pk)
    seen = read_version(request, announcement)
    names = (*WORDS, "one_language_reason", "starts_at", "ends_at", "next_update_at")
    form = CorrectForm(request.POST or None, initial={name: getattr(announcement, name) for name in names})

    def write() -> None:
        given = form.cleaned_data
        correct_announcement(
            announcement_id=pk,
            content=form.content,
            note_fr=given["note_fr"],
            note_en=given["note_en"],
            confirmed=given["confirmed"],
            actor=actor_of(request),
            reason=given["reason"],
            now=clock.now(),
            seen=seen,
        )

    status = 200
    if request.method == "POST":
        refusal = find_refusal(form, write, fields=FIELDS_OF_REFUSALS) if form.is_valid() else None
        if form.is_valid() and refusal is None:
            drive_outlets(pk)
            messages.success(request, str(DONE["corrected"]))
            return redirect("announcements:detail", pk=pk)
        status = refusal.status if refusal else 400
    context = {
        "announcement": announcement,
        "version": seen,
        "form": form,
        # Refused, the form has lost what was wrong: it is drawn from what was sent.
        **_preview_correction(request, announcement, CorrectForm(request.POST or None)),
    }
    return render(request, "announcements/correct.html", context, status=status)


@requires(Capability.PUBLISH_ANNOUNCEMENTS)
def preview_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw a correction as it is typed; nothing is written.

    An address of its own: a form that asks for its preview sends the button pressed last as well.
    """
    announcement = get_announcement(pk)
    if request.method != "POST" or not announcement.versions.exists():
        return redirect("announcements:correct", pk=pk)
    context = _preview_correction(request, announcement, CorrectForm(request.POST))
    return render(request, "announcements/_previews.html", context)


def _preview_correction(request: HttpRequest, announcement: Announcement, form: CorrectForm) -> dict[str, Any]:
    """Return how the correction would look; of a form that is not whole, what was said."""
    shown = get_announcement(announcement.pk)
    notes = {"fr": "", "en": ""}
    form.is_valid()
    given = getattr(form, "cleaned_data", {})
    if form.is_bound and {*WORDS, "starts_at", "ends_at", "next_update_at"} <= set(given):
        try:
            fill_words(shown, form.content)
            move_window(shown, form.content)
        except (Refusal, KeyError):
            pass
        else:
            shown.next_update_at = given["next_update_at"]
        notes = {language: given.get(f"note_{language}", "") for language in LANGUAGES}
    message = compose_correction(shown, notes=notes, by_id=request.user.pk, now=clock.now())
    return {"preview": preview_message(message, now=clock.now()), "fault": ""}


@requires(Capability.DRAFT_ANNOUNCEMENTS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Make a draft of what waits, give one up or take back what was said, have an outlet try again."""
    announcement = get_announcement(pk)
    if action not in ACTIONS:
        raise Http404
    if request.method != "POST":
        return redirect("announcements:detail", pk=pk)
    if action != "withdraw" or announcement.is_said or announcement.status == Status.SCHEDULED:
        check_can(request.user, Capability.PUBLISH_ANNOUNCEMENTS)  # type: ignore[arg-type]  # guarded by requires
    said: dict[str, Any] = {"actor": actor_of(request), "now": clock.now()}
    if action == "again":
        run = OutletRun.objects.filter(version__announcement=pk, pk=read_int(request, "run") or 0).first()
        try_outlet_again(run_id=run.pk if run else 0, **said)
    else:
        said |= {
            "announcement_id": pk,
            "reason": request.POST.get("reason", ""),
            "seen": read_int(request, "version") or 0,
        }
        if action == "unschedule":
            unschedule_announcement(**said)
        else:
            said |= {name: request.POST.get(name, "") for name in ("note_fr", "note_en")}
            withdraw_announcement(**said)
    drive_outlets(pk)
    messages.success(request, str(DONE[action]))
    return redirect("announcements:detail", pk=pk)


def get_announcement(pk: int) -> Announcement:
    """Return an announcement with all that its words are made of; 404 where there is none."""
    return get_object_or_404(with_subjects(Announcement.objects.all()), pk=pk)
