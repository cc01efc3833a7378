"""Pages for what goes wrong outside any view of ours."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is missing or old: reload and send again."""
    return render(request, "errors/csrf.html", status=403)
