"""Why this value: who asks and where, which layer decides, rule by rule."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core.roles import Capability, requires
from flags.current import get_current_environment
from flags.explaining import explain_state
from flags.forms import ExplainForm
from flags.models import Flag


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show how a flag comes to its value; the address carries who asks. It writes nothing."""
    flag = get_object_or_404(Flag, key=key)
    form = ExplainForm(request.GET if "environment" in request.GET else None)
    context: dict[str, object] = {"flag": flag, "form": form}
    if not form.is_bound:
        current = get_current_environment(request)
        form.initial = {"environment": current.key if current else ""}
    elif form.is_valid():
        states = flag.states.select_related("flag", "environment")
        state = get_object_or_404(states, environment=form.cleaned_data["environment"])
        told = explain_state(state, form.cleaned_data["context"])
        rules = state.rules.select_related("segment", "site").order_by("position")
        context |= {"state": state, "told": told, "answers": list(zip(rules, told.rules, strict=False))}
    return render(request, "flags/explain.html", context, status=400 if form.errors else 200)
