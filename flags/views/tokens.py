"""The page of tokens: make one, shown once; revoke one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, read_int, write_from
from flags.domain.purposes import Purpose
from flags.forms import TokenForm
from flags.page_queries import list_tokens
from flags.transitions import create_token, revoke_token


@requires(Capability.MANAGE_TOKENS)
def tokens(request: HttpRequest) -> HttpResponse:
    """List tokens; make one, shown once; revoke one."""
    if (token_id := read_int(request, "revoke")) is not None:
        reason = request.POST.get("reason", "")
        revoke_token(token_id=token_id, actor=actor_of(request), reason=reason, now=clock.now())
        return redirect("flags:tokens")
    form = TokenForm(request.POST or None)
    made: list[str] = []
    if request.method == "POST" and write_from(form, lambda: made.append(_make(request, form))):
        form = TokenForm()
    context = {"tokens": list_tokens(), "form": form, "shown": made[0] if made else ""}
    answer = render(request, "flags/tokens.html", context, status=400 if form.errors else 200)
    answer["Cache-Control"] = "no-store"
    return answer


def _make(request: HttpRequest, form: TokenForm) -> str:
    data = form.cleaned_data
    _token, raw = create_token(
        environment_id=data["environment"].pk,
        purpose=Purpose(data["purpose"]),
        name=data["name"],
        actor=actor_of(request),
        reason=data["reason"],
        now=clock.now(),
    )
    return raw
