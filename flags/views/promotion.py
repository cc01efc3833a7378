"""A flag's rules from one environment to the next: looked at as a difference, then written."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, read_int, write_from
from flags.current import list_environments
from flags.forms import PromotionForm
from flags.models import Environment, Flag
from flags.promotion_queries import view_promotion
from flags.transitions import promote_rules


@requires(Capability.SWITCH_FLAGS)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show what promoting a flag's rules would do; do it at the press, with a reason."""
    flag = get_object_or_404(Flag, key=key)
    form = PromotionForm(request.POST if request.method == "POST" else _suggest(request))
    is_clear = form.is_valid()
    places = {name: form.cleaned_data[name] for name in ("source", "target")} if is_clear else {}
    if request.method == "POST" and write_from(form, lambda: _promote(request, flag, **places)):
        return redirect("flags:detail", key=key)
    context = {
        "flag": flag,
        "form": form,
        # Who was refused looks at what is there now, and may then repeat.
        "view": view_promotion(flag, **places) if is_clear else None,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "flags/promotion.html", context, status=400 if form.errors else 200)


def _suggest(request: HttpRequest) -> dict[str, str]:
    """Return what was chosen; else from the first environment, to the one behind it."""
    keys = [environment.key for environment in list_environments()]
    source = request.GET.get("source") or next(iter(keys), "")
    behind = keys[keys.index(source) + 1 :] if source in keys else []
    return {"source": source, "target": request.GET.get("target") or next(iter([*behind, *keys]), "")}


def _promote(request: HttpRequest, flag: Flag, *, source: Environment, target: Environment) -> None:
    changed = promote_rules(
        flag_id=flag.pk,
        source_id=source.pk,
        target_id=target.pk,
        seen_source_version=read_int(request, "source_version") or 0,
        seen_target_version=read_int(request, "version") or 0,
        actor=actor_of(request),
        reason=request.POST.get("reason", ""),
        now=clock.now(),
    )
    messages.success(request, _("Done. The tills hear of it now.") if changed else _("It was so already."))
