"""The page of the calls that are due, made for one hand on a phone."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from core import clock
from core.roles import Capability, requires
from core.views import actor_of
from incidents.call_back_forms import CallFilter
from incidents.call_back_labels import DONE
from incidents.call_back_queries import CallsPage, read_calls
from incidents.say_now_queries import list_say_now
from incidents.transitions import mark_not_needed, mark_not_reached, mark_told, undo_call

#: What the list is narrowed by; each form carries it, so that a press leads back to the same list.
KEPT = ("site", "incident")


@requires(Capability.VIEW)
def list_calls(request: HttpRequest) -> HttpResponse:
    """List who is to be called back, by site, with the words ready."""
    chosen, now = CallFilter(request.GET), clock.now()
    wanted = chosen.cleaned_data if chosen.is_valid() else {}
    context = {
        "page": read_calls(wanted, now=now) if chosen.is_valid() else CallsPage([], False, []),
        "filter": chosen,
        "is_filtered": any(request.GET.values()),
        "kept": {name: request.GET.get(name, "") for name in KEPT},
        "say_now": list_say_now(None, now=now),
    }
    return render(request, "incidents/call_backs.html", context)


@requires(Capability.LOG_COMPLAINTS)
def act(request: HttpRequest, action: str) -> HttpResponse:
    """Say that people were told, not reached, or need no call; take that back."""
    if action not in ACTS:
        raise Http404
    if request.method == "POST":
        ACTS[action](request)
        messages.success(request, str(DONE[action]))
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Return the page as it was narrowed."""
    kept = {name: request.POST[name] for name in KEPT if request.POST.get(name)}
    address = reverse("incidents:call_backs")
    return f"{address}?{urlencode(kept)}" if kept else address


def _read_numbers(request: HttpRequest) -> list[int]:
    given = [text for text in request.POST.getlist("call") if text.isascii() and text.isdigit() and len(text) < 19]
    return [int(text) for text in given]


def _read_number(request: HttpRequest) -> int:
    return next(iter(_read_numbers(request)), 0)


def _tell(request: HttpRequest) -> None:
    mark_told(call_ids=_read_numbers(request), actor=actor_of(request), now=clock.now())


def _miss(request: HttpRequest) -> None:
    note = request.POST.get("note", "")
    mark_not_reached(call_id=_read_number(request), actor=actor_of(request), now=clock.now(), note=note)


def _spare(request: HttpRequest) -> None:
    reason = request.POST.get("reason", "")
    mark_not_needed(call_id=_read_number(request), actor=actor_of(request), reason=reason, now=clock.now())


def _undo(request: HttpRequest) -> None:
    undo_call(call_id=_read_number(request), actor=actor_of(request), now=clock.now())


ACTS: dict[str, Callable[[HttpRequest], None]] = {
    "told": _tell,
    "not-reached": _miss,
    "not-needed": _spare,
    "undo": _undo,
}
