"""Turns refusals into pages."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.errors import Refusal
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
        context = {"words": say_refusal(exception), "status": exception.status}
        return render(request, "errors/refusal.html", context, status=exception.status)
