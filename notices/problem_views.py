"""The link of a site: its page with the QR code, the sheet to print, and the page behind it that needs no account."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock
from core.actors import VOLUNTEER
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, find_refusal, read_int
from flags.current import get_current_environment
from flags.models import Site
from flags.snapshots import KEEPER
from notices.domain.problems import Origin
from notices.forms import ProblemForm
from notices.helplines import find_helpline
from notices.intake import list_flags_in_force
from notices.labels import DONE
from notices.models import ProblemLink
from notices.problem_links import draw_code, find_link, write_url
from notices.transitions import Source, make_problem_link, report_problem, revoke_problem_link
from notices.transitions.reporting import TooOften

#: What volunteers read first; who reads no French asks for English.
LANGUAGES = {"en": "en", "": "fr"}


@requires(Capability.LOG_COMPLAINTS)
def show_link(request: HttpRequest, key: str) -> HttpResponse:
    """Show a site's link in the current environment with its QR code; make one."""
    site, environment = get_object_or_404(Site, key=key), get_current_environment(request)
    if request.method == "POST":
        if environment is None:
            raise InvalidInput("environment_unknown")
        make_problem_link(environment_id=environment.pk, site_id=site.pk, actor=actor_of(request), now=clock.now())
        messages.success(request, str(DONE["make_link"]))
        return redirect("notices:link", key=key)
    rows = site.problem_links.filter(environment=environment).order_by("-pk") if environment else []
    links = list(rows)
    open_link = next((one for one in links if one.revoked_at is None), None)
    context = {
        "site": site,
        "environment": environment,
        "link": open_link,
        "revoked": [one for one in links if one.revoked_at is not None],
        **_draw(open_link),
    }
    return render(request, "notices/link.html", context)


@requires(Capability.LOG_COMPLAINTS)
def print_link(request: HttpRequest, key: str) -> HttpResponse:
    """Show the sheet that hangs beside the till: the code, large, and what it is for in both languages."""
    site, environment = get_object_or_404(Site, key=key), get_current_environment(request)
    link = site.problem_links.filter(environment=environment, revoked_at=None).first() if environment else None
    if link is None:
        return redirect("notices:link", key=key)
    context = {"site": site, "helpline": find_helpline(link.environment_id), **_draw(link)}
    return render(request, "notices/sheet.html", context)


def _draw(link: ProblemLink | None) -> dict[str, str]:
    url = write_url(link) if link else ""
    return {"url": url, "code": draw_code(url) if url else ""}


@requires(Capability.LOG_COMPLAINTS)
def revoke_link(request: HttpRequest, key: str) -> HttpResponse:
    """Let what is printed lead nowhere."""
    site = get_object_or_404(Site, key=key)
    if request.method == "POST":
        number = read_int(request, "link") or 0
        if not site.problem_links.filter(pk=number).exists():
            raise Http404
        reason = request.POST.get("reason", "")
        revoke_problem_link(link_id=number, actor=actor_of(request), reason=reason, now=clock.now())
        messages.success(request, str(DONE["revoke_link"]))
    return redirect("notices:link", key=key)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, token: str) -> HttpResponse:
    """Ask somebody at a site what does not work, and thank them.

    The signed address alone lets one write, so there is no cookie that another site could use.
    """
    language = LANGUAGES.get(request.GET.get("lang", ""), "fr")
    with translation.override(language):
        answer = _answer(request, token, language)
    answer["Content-Language"] = language
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _answer(request: HttpRequest, token: str, language: str) -> HttpResponse:
    link = find_link(token)
    context: dict[str, Any] = {"link": link, "language": language, "number": ""}
    if link is None:
        return render(request, "notices/problem.html", context, status=404)
    context["helpline"] = find_helpline(link.environment_id)
    form = ProblemForm(request.POST if request.method == "POST" else None)
    context["form"] = form
    if request.method != "POST" or not form.is_valid():
        context["number"] = _read_number(request)
        return render(request, "notices/problem.html", context, status=400 if form.errors else 200)
    numbers: list[int] = []
    refusal = find_refusal(form, lambda: numbers.append(_report(link, form)))
    if refusal is None:
        return HttpResponseRedirect(f"?{'lang=en&' if language == 'en' else ''}done={numbers[0]}")
    answer = render(request, "notices/problem.html", context, status=refusal.status)
    if isinstance(refusal, TooOften):
        answer["Retry-After"] = str(refusal.seconds)
    return answer


def _report(link: ProblemLink, form: ProblemForm) -> int:
    portfolio, site = KEEPER.portfolio, link.site.key
    snapshot = portfolio.snapshots.get(link.environment_id) if portfolio else None
    complaint, _is_new = report_problem(
        environment_id=link.environment_id,
        source=Source(Origin.LINK, link.pk),
        problem=form.read_problem(site_key=site),
        flags_in_force=list_flags_in_force(snapshot, {"site": site}) if snapshot else [],
        actor=VOLUNTEER,
        now=clock.now(),
    )
    return complaint.pk


def _read_number(request: HttpRequest) -> str:
    """Return the number of what was just logged, as the address says it."""
    text = request.GET.get("done", "")
    return text if text.isascii() and text.isdigit() and len(text) <= 18 else ""
