"""The one page that strangers may write to: a pilot's feedback of a day, behind a signed link."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock
from core.views import write_from
from rollouts.domain.feedback import Door
from rollouts.feedback_forms import FeedbackForm
from rollouts.feedback_labels import RATINGS
from rollouts.feedback_links import read_token
from rollouts.feedback_queries import find_door
from rollouts.models import Rollout
from rollouts.transitions.giving_feedback import give_feedback

#: What cashiers read first; who reads no French asks for English.
LANGUAGES = {"en": "en", "": "fr"}


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest, token: str) -> HttpResponse:
    """Ask a pilot how the day went, and thank them.

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
    link = read_token(token)
    rollout = Rollout.objects.select_related("release").filter(pk=link.rollout_id).first() if link else None
    context: dict[str, Any] = {"rollout": rollout, "door": "unknown", "language": language}
    if link is None or rollout is None:
        return render(request, "rollouts/feedback.html", context, status=404)
    door = find_door(rollout, link, now=clock.now())
    context["door"] = str(door)
    if door is not Door.OPEN:
        return render(request, "rollouts/feedback.html", context)
    form = FeedbackForm(request.POST if request.method == "POST" else None, rollout=rollout)
    if request.method == "POST" and write_from(form, lambda: give_feedback(link=link, now=clock.now(), **form.wishes)):
        return HttpResponseRedirect(f"?{'lang=en&' if language == 'en' else ''}done=1")
    context |= {"form": form, "ratings": RATINGS, "is_done": "done" in request.GET and request.method != "POST"}
    return render(request, "rollouts/feedback.html", context, status=400 if form.errors else 200)
