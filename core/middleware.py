"""Turns refusals into pages, refuses what no page can read, and keeps account pages out of caches."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import InvalidInput, Refusal
from core.labels import say_refusal


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
        lists = chain(request.GET.lists(), request.POST.lists())
        texts = chain([request.path], *([name, *values] for name, values in lists))
        if not any("\x00" in str(text) for text in texts):
            return None
        return _show(request, InvalidInput("input_unreadable"))


class UncachedAccountsMiddleware:
    """Lets nobody keep an account page: it may show the key of a second factor, recovery codes or a reset link."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.path_info.startswith("/account/"):
            answer["Cache-Control"] = "no-store"
        return answer


def _show(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    context = {"words": say_refusal(refusal), "status": refusal.status}
    return render(request, "errors/refusal.html", context, status=refusal.status)
