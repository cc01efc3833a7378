"""Pages of sites: the sheet, its days and tills, what is on there now and why."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form, read_int, read_version, write_from
from flags.dependants import list_site_news
from flags.forms import NewSiteForm, SiteDaysForm, SiteForm, TillForm
from flags.models import Site
from flags.site_queries import get_calendar, list_flags_here, list_site_rows
from flags.transitions import add_site_days, create_site, create_till, edit_site, remove_site_days


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List sites."""
    return render(request, "flags/sites.html", {"rows": list_site_rows(now=clock.now())})


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a site's sheet, its days and tills, and what is on there by environment and why."""
    return _show(request, get_object_or_404(Site, key=key))


def _show(
    request: HttpRequest, site: Site, *, till: TillForm | None = None, days: SiteDaysForm | None = None
) -> HttpResponse:
    now = clock.now()
    context = {
        "site": site,
        "site_news": list_site_news(site, now=now),
        "calendar": get_calendar(site, now=now),
        "tills": site.tills.order_by("key"),
        "on_here": list_flags_here(site),
        "till_form": till or TillForm(auto_id="till_%s"),
        "days_form": days or SiteDaysForm(auto_id="days_%s"),
    }
    return render(request, "flags/site.html", context, status=400 if till or days else 200)


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
    seen = read_version(request, site)
    return answer_form(
        request,
        form,
        lambda: edit_site(site_id=site.pk, **form.wishes, actor=actor_of(request), now=clock.now(), seen_version=seen),
        then=lambda: redirect("flags:site", key=key),
        template="flags/form.html",
        context={"title": site.name, "back": "flags:sites", "version": seen},
    )


@requires(Capability.EDIT_FLAGS)
def add_till(request: HttpRequest, key: str) -> HttpResponse:
    """Add a till to a site."""
    site = get_object_or_404(Site, key=key)
    if request.method != "POST":
        return redirect("flags:site", key=key)
    form = TillForm(request.POST, auto_id="till_%s")
    if not write_from(
        form, lambda: create_till(site_id=site.pk, **form.wishes, actor=actor_of(request), now=clock.now())
    ):
        return _show(request, site, till=form)
    messages.success(request, _("Till added."))
    return redirect("flags:site", key=key)


@requires(Capability.EDIT_FLAGS)
def add_days(request: HttpRequest, key: str) -> HttpResponse:
    """Set days of a site apart."""
    site = get_object_or_404(Site, key=key)
    if request.method != "POST":
        return redirect("flags:site", key=key)
    form = SiteDaysForm(request.POST, auto_id="days_%s")
    if not write_from(
        form, lambda: add_site_days(site_id=site.pk, **form.wishes, actor=actor_of(request), now=clock.now())
    ):
        return _show(request, site, days=form)
    messages.success(request, _("Done. Sites that were planned for these days get another one."))
    return redirect("flags:site", key=key)


@requires(Capability.EDIT_FLAGS)
def remove_days(request: HttpRequest, key: str) -> HttpResponse:
    """Take exceptional days of a site away again."""
    site = get_object_or_404(Site, key=key)
    if request.method == "POST":
        remove_site_days(
            site_id=site.pk,
            days_id=read_int(request, "days") or 0,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("Days taken away: the site is open on them as on others."))
    return redirect("flags:site", key=key)
