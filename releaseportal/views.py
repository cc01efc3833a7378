"""The dashboard, the search over everything, and the switches of the frame."""

from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, can, requires
from core.searching import MOST_CHARACTERS
from core.transitions import set_language
from core.views import remember_language
from flags.current import SESSION_KEY, get_current_environment
from flags.queries import find_environment, get_flag_names
from health.domain.complaints import DAILY_COMPLAINT_LIMIT
from health.guardrail_queries import get_complaint_limit
from health.queries import count_complaints, verdicts_by_flag
from incidents.call_back_queries import count_open
from incidents.queries import open_incidents, with_clocks
from incidents.report_queries import count_recent
from recovery.queries import list_pressing
from releaseportal.schedule import BEAT_LIMIT
from releaseportal.search import search
from rollouts.agenda import list_done_today
from rollouts.investigation_queries import list_open_investigations
from rollouts.queries import find_last_scheduler_beat, list_live_rollouts
from rollouts.support_queries import list_duty
from rollouts.track import prefetch_track, summarise_all

#: Of which incidents the dashboard says how many were restored in time.
KEPT_SPAN = timedelta(days=90)
#: How many of each kind the palette and the page of results show.
MOST_IN_PALETTE, MOST_ON_PAGE = 5, 25


@requires(Capability.VIEW)
def show_dashboard(request: HttpRequest) -> HttpResponse:
    """Show what happens, what happens next, and what needs somebody."""
    now = clock.now()
    environment = get_current_environment(request)
    beat_at = find_last_scheduler_beat()
    answers_phone = can(request.user, Capability.LOG_COMPLAINTS) and not can(request.user, Capability.DRIVE_ROLLOUTS)
    context = {
        "done_today": list_done_today(now=now),
        "duty": list_duty(day=timezone.localdate(now)) if answers_phone else None,
        "pressing": list_pressing(),
        "investigations": list_open_investigations(),
        "now": now,
        "summaries": summarise_all(list(prefetch_track(list_live_rollouts())), now=now),
        "verdicts": verdicts_by_flag(environment_key=environment.key) if environment else [],
        "flag_names": get_flag_names(),
        "incidents": with_clocks(open_incidents(), now=now),
        "kept": count_recent(environment_key=environment.key if environment else None, since=now - KEPT_SPAN, now=now),
        "kept_days": KEPT_SPAN.days,
        "complaints": count_complaints(environment_key=environment.key, now=now) if environment else 0,
        "calls_due": count_open(),
        "complaint_limit": get_complaint_limit(environment.key) if environment else DAILY_COMPLAINT_LIMIT,
        "beat_at": beat_at,
        "scheduler_alive": beat_at is not None and now - beat_at < BEAT_LIMIT,
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "_dashboard.html" if fragment else "dashboard.html", context)


@requires(Capability.VIEW)
def show_search(request: HttpRequest) -> HttpResponse:
    """Show what a person finds: a fragment for the palette, a page without JavaScript."""
    in_palette = bool(getattr(request, "htmx", False))
    text = request.GET.get("q", "")[:MOST_CHARACTERS]
    groups = search(
        text=text,
        user=request.user,
        environment=get_current_environment(request),
        limit=MOST_IN_PALETTE if in_palette else MOST_ON_PAGE,
    )
    context = {"text": text, "groups": groups, "count": sum(len(group.hits) for group in groups)}
    return render(request, "_hits.html" if in_palette else "search.html", context)


@require_POST
@login_required
def switch_environment(request: HttpRequest) -> HttpResponseRedirect:
    """Look at another environment from now on."""
    environment = find_environment(request.POST.get("environment", ""))
    if environment is None:
        raise InvalidInput("environment_unknown")
    request.session[SESSION_KEY] = environment.key
    return _back(request)


@require_POST
@login_required
def switch_language(request: HttpRequest) -> HttpResponseRedirect:
    """Read another language from now on, here and in mails."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES) or not check_for_language(language):
        raise InvalidInput("language_unknown")
    set_language(user_id=request.user.pk or 0, language=language, now=clock.now())
    answer = _back(request)
    remember_language(answer, language)
    return answer


def show_closed(request: HttpRequest, key: str = "") -> HttpResponse:
    """Answer as if there were no such page: the library brings it, the portal does not offer it."""
    raise Http404


def _back(request: HttpRequest) -> HttpResponseRedirect:
    referer = request.headers.get("referer", "")
    if url_has_allowed_host_and_scheme(referer, allowed_hosts={request.get_host()}):
        return HttpResponseRedirect(referer)
    return redirect("dashboard")
