"""Pages of health: figures and verdicts, complaints."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import InvalidInput, Refusal
from core.labels import say_refusal
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.current import get_current_environment
from flags.models import Environment, Flag, Site
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.models import Complaint, ComplaintSeverity, StoredVerdict
from health.queries import complaints_today, figures_by_flag
from health.transitions import (
    MAX_REPORTER_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    log_complaint,
    mark_duplicate,
    mark_spam,
)

SITE_SESSION_KEY = "complaint_site"
FIGURES_SPAN = timedelta(hours=1)


class ComplaintForm(forms.Form):
    """What a support person writes down while on the phone: the text first."""

    text = forms.CharField(
        label=gettext_lazy("What happened"),
        max_length=MAX_TEXT_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )
    site = forms.ModelChoiceField(Site.objects.all(), label=gettext_lazy("Site"))
    flag = forms.ModelChoiceField(
        Flag.objects.filter(archived_at=None), label=gettext_lazy("Suspected feature"), required=False
    )
    severity = forms.ChoiceField(label=gettext_lazy("How bad"), choices=ComplaintSeverity.choices, initial="annoying")
    reporter = forms.CharField(label=gettext_lazy("Who says so"), max_length=MAX_REPORTER_CHARACTERS, required=False)


@requires(Capability.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Show the last hour of the fleet and the newest verdicts."""
    now = clock.now()
    environment = get_current_environment(request)
    key = environment.key if environment else ""
    context = {
        "figures": figures_by_flag(environment_key=key, since=now - FIGURES_SPAN, until=now),
        "verdicts": StoredVerdict.objects.filter(environment_key=key)[:30],
    }
    return render(request, "health/overview.html", context)


@requires(Capability.VIEW)
def complaints(request: HttpRequest) -> HttpResponse:
    """List complaints with today's meter."""
    environment = get_current_environment(request)
    rows = Complaint.objects.filter(environment=environment).select_related("site", "flag", "words", "logged_by")
    context = {"complaints": rows[:100], **_meter(environment)}
    return render(request, "health/complaints.html", context)


@requires(Capability.LOG_COMPLAINTS)
def log(request: HttpRequest) -> HttpResponse:
    """Log a complaint; the site is remembered, the next one can be typed at once."""
    environment = get_current_environment(request)
    form = ComplaintForm(request.POST or None, initial={"site": request.session.get(SITE_SESSION_KEY)})
    if request.method == "POST" and form.is_valid():
        if environment is None:
            raise InvalidInput("environment_unknown")
        data = form.cleaned_data
        try:
            log_complaint(
                environment_id=environment.pk,
                site_id=data["site"].pk,
                flag_id=data["flag"].pk if data["flag"] else None,
                text=data["text"],
                severity=data["severity"],
                reporter=data["reporter"],
                actor=actor_of(request),
                now=clock.now(),
            )
        except Refusal as refusal:
            form.add_error(None, say_refusal(refusal))
        else:
            request.session[SITE_SESSION_KEY] = data["site"].pk
            messages.success(request, _("Logged. The next one?"))
            return redirect("health:log_complaint")
    return render(request, "health/log.html", {"form": form, **_meter(environment)}, status=400 if form.errors else 200)


@requires(Capability.LOG_COMPLAINTS)
def mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a complaint as spam, or as a duplicate of another."""
    if request.method == "POST":
        actor, reason, now = actor_of(request), request.POST.get("reason", ""), clock.now()
        original = read_int(request, "original")
        if original is None:
            mark_spam(complaint_id=pk, actor=actor, reason=reason, now=now)
        else:
            mark_duplicate(complaint_id=pk, original_id=original, actor=actor, reason=reason, now=now)
    return redirect("health:complaints")


def _meter(environment: Environment | None) -> dict[str, int]:
    if environment is None:
        return {"count": 0, "limit": DAILY_COMPLAINT_LIMIT}
    count = complaints_today(environment_key=environment.key, zone=ZoneInfo(settings.TIME_ZONE), now=clock.now())
    return {"count": count, "limit": DAILY_COMPLAINT_LIMIT}
