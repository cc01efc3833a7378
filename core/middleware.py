"""Turns refusals into pages, or JSON for programs; refuses what nobody can read; keeps private pages out of caches."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import InvalidInput, Refusal
from core.labels import say_refusal
from core.programs import answer_refusal, as_json, is_of_programs, is_too_large, refuse


class ProgramsMiddleware:
    """Answers programs in JSON, also what stands before any route; refuses 413 bodies over their limit.

    Stands outside all that may refuse, so that no page for people is sent to a program.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_of_programs(request):
            return self.get_response(request)
        answer = refuse(status=413) if is_too_large(request) else as_json(self.get_response(request))
        answer["Cache-Control"] = "no-store"
        return answer


class RefusalMiddleware:
    """Answers a Refusal with its status, its words and a way back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refusal):
            return None
        return _show(request, exception)


class UnreadableMiddleware:
    """Refuses NUL characters anywhere: PostgreSQL stores no text that holds one, and nobody types one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        # What the API reads it reads itself, and only once: a body of its own.
        posted = () if request.path_info.startswith("/api/") else request.POST.lists()
        lists = chain(request.GET.lists(), posted)
        texts = chain([request.path], *([name, *values] for name, values in lists))
        if not any("\x00" in str(text) for text in texts):
            return None
        return _show(request, InvalidInput("input_unreadable"))


class UncachedMiddleware:
    """Lets nobody keep what was sent to a signed-in person, nor an account page: Back after signing out shows none.

    An account page may show the key of a second factor, recovery codes or a reset link. What a view says itself stays.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.path_info.startswith("/account/"):
            answer["Cache-Control"] = "no-store"
        elif settings.SESSION_COOKIE_NAME in request.COOKIES and not is_of_programs(request):
            # The cookie says enough: whoever it is, asking would need the database, which may be what just failed.
            answer.headers.setdefault("Cache-Control", "private, no-store")
        return answer


def _show(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    if is_of_programs(request):
        return answer_refusal(refusal)
    context = {"words": say_refusal(refusal), "status": refusal.status}
    return render(request, "errors/refusal.html", context, status=refusal.status)
