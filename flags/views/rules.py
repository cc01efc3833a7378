"""Rules that people lay by hand: say one, look at what it would do, add it; change, move, remove it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.labels import say_refusal
from core.roles import Capability, requires
from core.views import actor_of, read_int, write_from
from flags.condition_forms import with_another_condition
from flags.domain.prospect import Preview
from flags.models import Flag, FlagState, Rule
from flags.preview_queries import preview_change
from flags.queries import find_environment, get_state_version
from flags.rule_forms import RuleForm, write_rule
from flags.sentences import say_conditions, say_gift
from flags.transitions import add_rule, edit_rule, move_rule, remove_rule


@requires(Capability.SWITCH_FLAGS)
def add(request: HttpRequest, key: str) -> HttpResponse:
    """Let a person say a rule, and show what it would do, in numbers; add it at the press, with a reason."""
    flag = get_object_or_404(Flag, key=key)
    environment = find_environment((request.POST or request.GET).get("environment", ""))
    if environment is None:
        if request.method == "POST":
            raise InvalidInput("rule_unclear")
        messages.error(request, say_refusal(InvalidInput("rule_unclear")))
        return redirect("flags:detail", key=key)
    state = get_object_or_404(
        FlagState.objects.select_related("flag", "environment"), flag=flag, environment=environment
    )
    asked = write_rule(flag, environment_key=environment.key) | request.GET.dict()
    return _answer(request, state, asked, rule=None)


@requires(Capability.SWITCH_FLAGS)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a person change a rule that a person laid, in its place."""
    rule = get_object_or_404(Rule.objects.select_related("state__flag", "state__environment"), pk=pk, origin="")
    asked = write_rule(rule.state.flag, environment_key=rule.state.environment.key, rule=rule)
    return _answer(request, rule.state, asked, rule=rule)


def _answer(request: HttpRequest, state: FlagState, asked: dict[str, str], *, rule: Rule | None) -> HttpResponse:
    """Answer the editor: what was said so far with its preview, or the flag's page once it is written."""
    is_fragment = bool(getattr(request, "htmx", False))
    # A preview asked for while a button is pressed carries that button: it looks, and never writes a second time.
    does = "" if is_fragment else request.POST.get("do", "")
    data = request.POST if request.method == "POST" else asked
    split = rule.pieces if rule else ()
    form = RuleForm(with_another_condition(request.POST) if does == "more" else data, flag=state.flag, split=split)
    is_valid = form.is_valid()
    if does == "save" and is_valid and write_from(form, lambda: _write(request, state, form, rule=rule)):
        messages.success(request, _("Done. The tills hear of it now."))
        return redirect("flags:detail", key=state.flag.key)
    is_refused = does == "save" or (request.method == "GET" and not is_valid)
    context = {
        "flag": state.flag,
        "state": state,
        "rule": rule,
        # Who was refused looks at what is there now, and may then repeat.
        "version": get_state_version(state) if is_refused else data.get("version") or get_state_version(state),
        "form": form,
        "preview": _preview(state, form, rule=rule) if is_valid else None,
        "sentence": _say(form) if is_valid else "",
        "reason": request.POST.get("reason", ""),
    }
    template = "flags/_rule_preview.html" if is_fragment else "flags/rule.html"
    return render(request, template, context, status=400 if is_refused else 200)


def _write(request: HttpRequest, state: FlagState, form: RuleForm, *, rule: Rule | None) -> None:
    given = {name: form.cleaned_data[name] for name in ("audience", "variant", "split")}
    given |= {
        "actor": actor_of(request),
        "reason": request.POST.get("reason", ""),
        "now": clock.now(),
        "seen_version": read_int(request, "version") or 0,
    }
    if rule is None:
        add_rule(flag_id=state.flag_id, environment_id=state.environment_id, phase="", origin="", **given)
    else:
        edit_rule(rule_id=rule.pk, **given)


def _preview(state: FlagState, form: RuleForm, *, rule: Rule | None) -> Preview:
    audience, variant, split = (form.cleaned_data[name] for name in ("audience", "variant", "split"))
    return preview_change(state, audience=audience, variant=variant, split=split, rule_id=rule.pk if rule else None)


def _say(form: RuleForm) -> str:
    """Return the rule meant as one sentence."""
    audience = form.cleaned_data["audience"]
    whom = say_conditions(audience.conditions) if audience.conditions else form.audience_words
    gift = say_gift(form.cleaned_data["variant"], form.cleaned_data["split"])
    if audience.conditions:
        return _("%(gift)s for those whose %(conditions)s") % {"gift": gift, "conditions": whom}
    return _("%(gift)s for %(whom)s") % {"gift": gift, "whom": whom}


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
