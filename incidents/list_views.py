"""The list of incidents."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from core.roles import Capability, requires
from core.views import read_place
from incidents.forms import IncidentFilter
from incidents.list_queries import Page, find_page
from incidents.queries import with_clocks


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List incidents with their clocks, those that run first; filters and place live in the address."""
    chosen = IncidentFilter(request.GET)
    page = Page([], None, True)
    if chosen.is_valid():
        page = find_page(chosen.cleaned_data, user_id=request.user.pk, before=read_place(request))
    address = request.GET.copy()
    address.pop("before", None)
    context = {
        "incidents": with_clocks(page.rows, now=clock.now()),
        "page": page,
        "filter": chosen,
        "address": address.urlencode() if any(address.values()) else "",
    }
    return render(request, "incidents/list.html", context)
