"""The ledger of what was told: a page of events, and one event with everybody who was told."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core.roles import Capability, can, requires
from core.views import read_place
from notifications.labels import say_body, say_subject
from notifications.ledger_forms import LedgerFilter
from notifications.ledger_labels import CHANNELS, OUTCOMES, SIGNS, TONES
from notifications.ledger_queries import Outcome, Page, count_outcomes, find_told, list_deliveries, outcome_of
from notifications.models import Channel, Event

DELIVERIES_ON_A_PAGE = 50


@requires(Capability.VIEW)
def ledger(request: HttpRequest) -> HttpResponse:
    """List what was told, the newest first, with how many it reached; filters and place live in the address."""
    chosen, page = LedgerFilter(request.GET), Page([], None)
    if chosen.is_valid():
        page = find_told(chosen.to_wish(), before=read_place(request))
    counts = count_outcomes(page.events)
    address = request.GET.copy()
    address.pop("before", None)
    context = {
        "filter": chosen,
        "rows": [(event, say_subject(event), _say_counts(counts[event.pk])) for event in page.events],
        "page": page,
        "address": address.urlencode() if any(address.values()) else "",
    }
    return render(request, "notifications/ledger.html", context)


@requires(Capability.VIEW)
def told(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message with everybody who was told: first those whom it did not reach."""
    event = get_object_or_404(Event, pk=pk)
    page = Paginator(list_deliveries(event), DELIVERIES_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "event": event,
        "subject": say_subject(event),
        "body": say_body(event),
        "counts": _say_counts(count_outcomes([event])[event.pk]),
        "page": page,
        "rows": [(one, CHANNELS[Channel(one.channel)], _say_outcome(outcome_of(one))) for one in page],
        "is_keeper": can(request.user, Capability.MANAGE_PEOPLE),
        # What a mail service answers often names the address.
        "sees_answers": can(request.user, Capability.READ_ADMIN),
    }
    return render(request, "notifications/told.html", context)


def _say_outcome(outcome: Outcome) -> dict[str, object]:
    return {"words": OUTCOMES[outcome], "tone": TONES[outcome], "sign": SIGNS[outcome]}


def _say_counts(counts: dict[tuple[str, Outcome], int]) -> list[dict[str, object]]:
    """Return channels and what came of them with numbers, what somebody has to look at first."""
    order = list(Outcome)
    found = sorted(counts.items(), key=lambda one: (order.index(one[0][1]), one[0][0]))
    return [
        _say_outcome(outcome) | {"channel": CHANNELS[Channel(channel)], "number": n} for (channel, outcome), n in found
    ]
