"""Boards: phases across and what they reach down, with the line of now."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.roles import Capability, requires
from rollouts.action_queries import is_approved
from rollouts.board import By, compose_board
from rollouts.labels import CELL_SIGNS
from rollouts.models import Rollout


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rollout's board; the address says what goes down, which names, and which page."""
    rollout = get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
    asked = request.GET.get("by", "")
    by = By(asked) if asked in set(By) else By.FLAGS
    text = request.GET.get("q", "").strip()
    board = compose_board(rollout, by=by, text=text, page=request.GET.get("page"), now=clock.now())
    context = {
        "rollout": rollout,
        "is_approved": is_approved(rollout),
        "board": board,
        "text": text,
        "signs": CELL_SIGNS.items(),
    }
    template = "rollouts/_board.html" if getattr(request, "htmx", False) else "rollouts/board.html"
    return render(request, template, context)
