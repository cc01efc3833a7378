"""Pages of sites and their tills: what is on there now."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form, write_from
from flags.forms import NewSiteForm, SiteForm, TillForm
from flags.models import Site
from flags.page_queries import list_flags_at, list_site_rows
from flags.transitions import create_site, create_till, edit_site


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List sites."""
    return render(request, "flags/sites.html", {"sites": list_site_rows()})


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a site, its tills, and what is on there by environment."""
    return _show(request, get_object_or_404(Site, key=key), TillForm())


def _show(request: HttpRequest, site: Site, form: TillForm) -> HttpResponse:
    context = {
        "site": site,
        "weekdays": [WEEKDAYS[number - 1] for number in site.opening_weekdays],
        "tills": site.tills.order_by("key"),
        "on_here": list_flags_at(site),
        "form": form,
    }
    return render(request, "flags/site.html", context, status=400 if form.errors else 200)


@requires(Capability.EDIT_FLAGS)
def create(request: HttpRequest) -> HttpResponse:
    """Make a site."""
    form = NewSiteForm(request.POST or None)
    return answer_form(
        request,
        form,
        lambda: create_site(**form.wishes, actor=actor_of(request), now=clock.now()),
        then=lambda: redirect("flags:site", key=form.cleaned_data["key"]),
        template="flags/form.html",
        context={"title": _("New site"), "back": "flags:sites"},
    )


@requires(Capability.EDIT_FLAGS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change what a site says of itself."""
    site = get_object_or_404(Site, key=key)
    form = SiteForm(request.POST or None, initial={name: getattr(site, name, "") for name in SiteForm.base_fields})
    return answer_form(
        request,
        form,
        lambda: edit_site(site_id=site.pk, **form.wishes, actor=actor_of(request), now=clock.now()),
        then=lambda: redirect("flags:site", key=key),
        template="flags/form.html",
        context={"title": site.name, "back": "flags:sites"},
    )


@requires(Capability.EDIT_FLAGS)
def add_till(request: HttpRequest, key: str) -> HttpResponse:
    """Add a till to a site."""
    site = get_object_or_404(Site, key=key)
    if request.method != "POST":
        return redirect("flags:site", key=key)
    form = TillForm(request.POST)
    if not write_from(
        form, lambda: create_till(site_id=site.pk, **form.wishes, actor=actor_of(request), now=clock.now())
    ):
        return _show(request, site, form)
    messages.success(request, _("Done."))
    return redirect("flags:site", key=key)
