"""Rules that people lay by hand: look at the consequence, then add; remove; move."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.labels import say_refusal
from core.roles import Capability, requires
from core.views import actor_of, read_int
from flags.forms import RuleForm
from flags.models import Flag, FlagState, Rule
from flags.queries import get_state_version, measure_audience
from flags.transitions import add_rule, move_rule, remove_rule


@requires(Capability.SWITCH_FLAGS)
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Show what a rule would do, in numbers; add it at the press, with a reason."""
    flag = get_object_or_404(Flag, key=key)
    form = RuleForm(request.POST or request.GET, flag=flag)
    if not form.is_valid():
        if request.method == "POST":
            raise InvalidInput("rule_unclear")
        messages.error(request, say_refusal(InvalidInput("rule_unclear")))
        return redirect("flags:detail", key=key)
    environment, audience, variant = (form.cleaned_data[name] for name in ("environment", "audience", "variant"))
    state = get_object_or_404(FlagState, flag=flag, environment=environment)
    if request.method == "POST":
        add_rule(
            flag_id=flag.pk,
            environment_id=environment.pk,
            audience=audience,
            variant=variant,
            phase="",
            origin="",
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
            seen_version=read_int(request, "version") or 0,
        )
        messages.success(request, _("Done. Tills see it when they next ask."))
        return redirect("flags:detail", key=key)
    context = {
        "flag": flag,
        "state": state,
        "version": get_state_version(state),
        "asked": {name: form.data[name] for name in ("environment", "audience", "variant")},
        "whom": _name_audience(form),
        "reach": measure_audience(audience),
    }
    return render(request, "flags/rule.html", context)


@requires(Capability.SWITCH_FLAGS)
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Remove a person's rule, or let it be asked earlier or later."""
    rule = get_object_or_404(Rule.objects.select_related("state__flag"), pk=pk)
    if action not in {"remove", "earlier", "later"}:
        raise Http404
    if request.method == "POST":
        actor, reason, now = actor_of(request), request.POST.get("reason", ""), clock.now()
        seen = read_int(request, "version") or 0
        if action == "remove":
            remove_rule(rule_id=pk, actor=actor, reason=reason, now=now, seen_version=seen)
        else:
            earlier = action == "earlier"
            move_rule(rule_id=pk, earlier=earlier, actor=actor, reason=reason, now=now, seen_version=seen)
        messages.success(request, _("Done. Tills see it when they next ask."))
    return redirect("flags:detail", key=rule.state.flag.key)


def _name_audience(form: RuleForm) -> str:
    chosen = form.data["audience"]
    groups = form.fields["audience"].choices  # type: ignore[attr-defined]  # a ChoiceField
    flat = {value: words for group in groups for value, words in (group[1] if isinstance(group[1], list) else [group])}
    return str(flat[chosen])
