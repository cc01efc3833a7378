"""The search over incidents, complaints and post-mortems: a page, and its results while somebody types."""

import re
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from core.clock import get_zone
from core.roles import Capability, can, requires
from core.searching import find_number
from flags.current import get_current_environment
from flags.models import Environment
from health.models import Complaint
from incidents.domain.searching import Kind
from incidents.models import Incident
from incidents.search_forms import SearchForm
from incidents.search_labels import KINDS
from incidents.search_queries import Wish, search_records

#: “INC-12” can only be an incident.
_INCIDENT = re.compile(r"inc[- ]?#?(\d{1,9})", re.IGNORECASE | re.ASCII)
#: What the list of complaints asks for.
SEES_COMPLAINTS = Capability.VIEW
#: Pages beyond are for more words, not for turning.
MOST_PAGES = 200


@dataclass(frozen=True)
class Named:
    """An incident or a complaint whose number was typed."""

    kind: Kind
    number: int
    url: str


@requires(Capability.VIEW)
def search(request: HttpRequest) -> HttpResponse:
    """Show what fits; a number alone leads straight to what it names."""
    form, environment = SearchForm(request.GET), get_current_environment(request)
    if not form.is_valid():
        return render(request, "incidents/search.html", {"form": form}, status=400)
    text = form.cleaned_data["q"]
    in_place = bool(getattr(request, "htmx", False))
    named = _find_named(request, text, environment)
    if len(named) == 1 and not in_place and (text.strip().startswith("#") or _INCIDENT.fullmatch(text.strip())):
        return redirect(named[0].url)
    wish = Wish(
        text=text, complaints_of=_find_complaints_of(request, environment), **form.to_narrowing(zone=get_zone())
    )
    results = search_records(wish, kind=form.kind_wanted, page=_read_page(request))
    address = request.GET.copy()
    for name in ("page", "kind"):
        address.pop(name, None)
    context = {
        "form": form,
        "text": text.strip(),
        "named": named,
        "results": results,
        "tabs": [(kind, KINDS[kind], count) for kind, count in results.counts.items()],
        "kind": form.cleaned_data["kind"],
        "address": address.urlencode(),
        "environment": environment,
    }
    return render(request, "incidents/_found.html" if in_place else "incidents/search.html", context)


def _read_page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
    return min(max(number, 1), MOST_PAGES)


def _find_complaints_of(request: HttpRequest, environment: Environment | None) -> int | None:
    """Return the environment whose complaints this person finds: the one looked at, for who may open their list."""
    return environment.pk if environment is not None and can(request.user, SEES_COMPLAINTS) else None


def _find_named(request: HttpRequest, text: str, environment: Environment | None) -> list[Named]:
    """Return what a number names, incidents first; nothing of what is no number alone."""
    text = text.strip()
    match = _INCIDENT.fullmatch(text)
    number = int(match[1]) if match else find_number(tuple(text.split()))
    if number is None:
        return []
    found = []
    if Incident.objects.filter(pk=number).exists():
        found.append(Named(Kind.INCIDENT, number, reverse("incidents:detail", args=[number])))
    place = _find_complaints_of(request, environment)
    if match is None and place is not None and Complaint.objects.filter(pk=number, environment=place).exists():
        found.append(Named(Kind.COMPLAINT, number, f"{reverse('health:complaints')}?number={number}"))
    return found
