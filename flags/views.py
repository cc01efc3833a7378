"""Pages of flags: list, page, switch; tokens."""

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput, Refusal
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.domain.purposes import Purpose
from flags.models import ApiToken, Environment, Flag
from flags.page_queries import get_version, list_changes, list_flag_rows, list_states
from flags.queries import find_environment
from flags.transitions import create_token, kill_flag, revoke_token, switch_on


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List every flag, its state by environment side by side."""
    context = {"rows": list_flag_rows(), "environments": Environment.objects.all()}
    return render(request, "flags/list.html", context)


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show one flag: state by environment, rules as sentences, history."""
    flag = get_object_or_404(Flag, key=key)
    states = [(state, get_version(state)) for state in list_states(flag)]
    return render(request, "flags/detail.html", {"flag": flag, "states": states, "changes": list_changes(flag)})


@requires(Capability.SWITCH_FLAGS)
def switch(request: HttpRequest, key: str) -> HttpResponse:
    """Switch a flag on or off in one environment, with a reason."""
    flag = get_object_or_404(Flag, key=key)
    if request.method != "POST":
        return redirect("flags:detail", key=key)
    environment = find_environment(request.POST.get("environment", ""))
    if environment is None:
        raise InvalidInput("environment_unknown")
    to = request.POST.get("to", "")
    action = {"on": switch_on, "off": kill_flag}.get(to)
    if action is None:
        raise Http404
    seen = read_int(request, "version")
    if to == "on" and seen != get_version(flag.states.get(environment=environment)):
        raise Refusal("changed_meanwhile")
    changed = action(
        flag_id=flag.pk,
        environment_id=environment.pk,
        actor=actor_of(request),
        reason=request.POST.get("reason", ""),
        now=clock.now(),
    )
    messages.success(request, _("Done. Tills see it when they next ask.") if changed else _("It was so already."))
    return redirect("flags:detail", key=key)


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
        "tokens": ApiToken.objects.select_related("environment").annotate(last_used_at=F("use__last_used_at")),
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
