"""Pages of alerts: what other monitoring systems say, and how they are connected."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, check_can, requires
from core.views import actor_of, read_int, write_from
from flags.current import get_current_environment
from flags.models import Environment
from health.alert_forms import AlertFilter, SentryForm
from health.alert_models import Alert, AlertSource
from health.alert_queries import list_sources
from health.alert_transitions import GONE_AFTER, forget_source
from health.domain.alert_lane import LEFT_OUT_LIMIT, WATCHDOG_LIMIT
from health.sentry_queries import list_sentry_hooks
from health.sentry_transitions import connect_sentry, disconnect_sentry, replace_sentry_secret

PAGE_SIZE = 50


@requires(Capability.VIEW)
def alerts(request: HttpRequest) -> HttpResponse:
    """List an environment's alerts and who sends them; the filters live in the address."""
    environment = get_current_environment(request)
    now = clock.now()
    narrowing = AlertFilter(request.GET)
    rows = narrowing.narrow(Alert.objects.filter(environment=environment), now=now)
    page = Paginator(rows.select_related("flag", "site"), PAGE_SIZE).get_page(request.GET.get("page"))
    address = request.GET.copy()
    address.pop("page", None)
    context = {
        "page": page,
        "filter": narrowing,
        "address": address.urlencode(),
        "now": now,
        "silent_before": now - WATCHDOG_LIMIT,
        "gone_before": now - GONE_AFTER,
        "left_out_after": now - LEFT_OUT_LIMIT,
        "sources": list_sources(environment_key=environment.key) if environment else [],
        "can_connect": can(request.user, Capability.DRIVE_ROLLOUTS),
    }
    return render(request, "health/alerts.html", context)


@requires(Capability.DRIVE_ROLLOUTS)
def forget_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a source of alerts away that is gone, with a reason."""
    environment = get_current_environment(request)
    if environment is None or not AlertSource.objects.filter(pk=pk, environment=environment).exists():
        raise Http404
    if request.method == "POST":
        given: dict[str, Any] = {"actor": actor_of(request), "now": clock.now()}
        reason = request.POST.get("reason", "")
        forgotten = forget_source(source_id=pk, environment_id=environment.pk, reason=reason, **given)
        said = _("%(source)s is forgotten: its silence counts no more. Where it speaks again, it is back.")
        messages.success(request, said % {"source": forgotten.get_origin_display()})
    return redirect("health:alerts")


@requires(Capability.VIEW)
def connect(request: HttpRequest) -> HttpResponse:
    """Show how each monitoring system is connected; whoever may, connects Sentry here."""
    environment = get_current_environment(request)
    may = can(request.user, Capability.DRIVE_ROLLOUTS)
    form = SentryForm(request.POST or None)
    if request.method == "POST":
        check_can(request.user, Capability.DRIVE_ROLLOUTS)  # type: ignore[arg-type]  # requires stands before
        if environment is None:
            raise Http404
        if _act(request, form, environment):
            return redirect("health:connect_monitoring")
    context = {
        "url": settings.PUBLIC_URL,
        "environment": environment,
        "hooks": list_sentry_hooks(environment_key=environment.key) if environment else [],
        "form": form,
        "may": may,
    }
    return render(request, "health/connect.html", context, status=400 if form.errors else 200)


def _act(request: HttpRequest, form: SentryForm, environment: Environment) -> bool:
    """Do what was pressed: a new secret, off, or a new integration; True where it is done."""
    given: dict[str, Any] = {"actor": actor_of(request), "now": clock.now()}
    reason = request.POST.get("reason", "")
    if (hook_id := read_int(request, "replace")) is not None:
        secret = request.POST.get("secret", "")
        replace_sentry_secret(hook_id=hook_id, secret=secret, reason=reason, **given)
        return True
    if (hook_id := read_int(request, "off")) is not None:
        disconnect_sentry(hook_id=hook_id, reason=reason, **given)
        return True
    return write_from(form, lambda: connect_sentry(environment_id=environment.pk, **form.wishes, **given))
