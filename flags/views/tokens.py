"""The page of tokens: make one, shown once; revoke one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.domain.purposes import Purpose
from flags.models import Environment
from flags.page_queries import list_tokens
from flags.queries import find_environment
from flags.transitions import create_token, revoke_token


@requires(Capability.MANAGE_TOKENS)
def tokens(request: HttpRequest) -> HttpResponse:
    """List tokens; make one, shown once; revoke one."""
    shown = None
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        if (token_id := read_int(request, "revoke")) is not None:
            revoke_token(token_id=token_id, actor=actor_of(request), reason=reason, now=clock.now())
            return redirect("flags:tokens")
        shown = _make_token(request, reason)
    context = {
        "tokens": list_tokens(),
        "environments": Environment.objects.all(),
        "purposes": [str(purpose) for purpose in Purpose],
        "shown": shown,
    }
    answer = render(request, "flags/tokens.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _make_token(request: HttpRequest, reason: str) -> str:
    environment = find_environment(request.POST.get("environment", ""))
    purpose = request.POST.get("purpose", "")
    if environment is None or purpose not in set(Purpose):
        raise InvalidInput("environment_unknown")
    _token, raw = create_token(
        environment_id=environment.pk,
        purpose=Purpose(purpose),
        name=request.POST.get("name", "").strip()[:100],
        actor=actor_of(request),
        reason=reason,
        now=clock.now(),
    )
    return raw
