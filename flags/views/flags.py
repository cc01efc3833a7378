"""Pages of flags: list, page, new, edit, switch, archive."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import InvalidInput
from core.roles import Capability, requires
from core.views import actor_of, answer_form, read_int, read_version
from flags.current import get_current_environment
from flags.forms import FlagFilter, FlagForm
from flags.labels import STATES
from flags.life_queries import judge_flag
from flags.models import Environment, Flag
from flags.page_queries import list_changes, list_flag_rows, list_states
from flags.queries import find_environment
from flags.removal_queries import count_removable
from flags.transitions import archive_flag, create_flag, edit_flag, kill_flag, restore_flag, switch_on
from flags.variant_forms import NewFlagForm, with_another_variant

ACTIONS = ("archive", "restore")


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List flags, their state by environment side by side; the address carries the filters."""
    wanted = FlagFilter(request.GET, states=STATES)
    text, state = (wanted.cleaned_data[name] for name in ("q", "state")) if wanted.is_valid() else ("", "")
    environment = get_current_environment(request)
    now = clock.now()
    rows = list_flag_rows(text=text.strip(), state=state, environment=environment, now=now)
    context = {
        "rows": rows,
        "removable": count_removable(now=now) if request.GET else sum(row.life.is_due for row in rows),
        "environments": Environment.objects.all(),
        "filter": wanted,
        "is_filtered": bool(request.GET),
    }
    return render(request, "flags/list.html", context)


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show one flag: state by environment, rules as sentences, history."""
    flag = get_object_or_404(Flag.objects.select_related("note_picture"), key=key)
    now = clock.now()
    context = {
        "flag": flag,
        "life": judge_flag(flag, now=now),
        "views": list_states(flag, now=now),
        "changes": list_changes(flag),
    }
    return render(request, "flags/detail.html", context)


@requires(Capability.EDIT_FLAGS)
def create(request: HttpRequest) -> HttpResponse:
    """Make a flag with its variants, off everywhere."""
    context = {"title": _("New flag")}
    if request.method == "POST" and request.POST.get("do") == "more":
        form = NewFlagForm(with_another_variant(request.POST))
        return render(request, "flags/new.html", {"form": form, **context})
    form = NewFlagForm(request.POST or None)
    return answer_form(
        request,
        form,
        lambda: create_flag(**form.wishes, actor=actor_of(request), now=clock.now()),
        then=lambda: redirect("flags:detail", key=form.cleaned_data["key"]),
        template="flags/new.html",
        context=context,
    )


@requires(Capability.EDIT_FLAGS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change what a flag says of itself."""
    flag = get_object_or_404(Flag, key=key)
    form = FlagForm(request.POST or None, initial={name: getattr(flag, name, "") for name in FlagForm.base_fields})
    seen = read_version(request, flag)
    return answer_form(
        request,
        form,
        lambda: edit_flag(flag_id=flag.pk, **form.wishes, actor=actor_of(request), now=clock.now(), seen_version=seen),
        then=lambda: redirect("flags:detail", key=key),
        template="flags/edit.html",
        context={"flag": flag, "version": seen},
    )


@requires(Capability.EDIT_FLAGS)
def shelve(request: HttpRequest, key: str, action: str) -> HttpResponse:
    """Archive a flag, or restore it."""
    flag = get_object_or_404(Flag, key=key)
    if action not in ACTIONS:
        raise Http404
    if request.method == "POST":
        actor, reason, now = actor_of(request), request.POST.get("reason", ""), clock.now()
        if action == "archive":
            is_unasked = request.POST.get("is_unasked") == "on"
            archive_flag(flag_id=flag.pk, actor=actor, reason=reason, now=now, is_unasked=is_unasked)
            messages.success(request, _("Flag archived: tills that still ask get a 404."))
        else:
            restore_flag(flag_id=flag.pk, actor=actor, reason=reason, now=now)
            messages.success(request, _("Flag restored: tills that ask get it again, with the states it had."))
    return redirect("flags:removal") if request.POST.get("back") == "removal" else redirect("flags:detail", key=key)


@requires(Capability.SWITCH_FLAGS)
def switch(request: HttpRequest, key: str) -> HttpResponse:
    """Switch a flag on or off in one environment, with a reason."""
    flag = get_object_or_404(Flag, key=key)
    if request.method != "POST":
        return redirect("flags:detail", key=key)
    environment = find_environment(request.POST.get("environment", ""))
    if environment is None:
        raise InvalidInput("environment_unknown")
    where = {"flag_id": flag.pk, "environment_id": environment.pk}
    actor, reason, now = actor_of(request), request.POST.get("reason", ""), clock.now()
    to = request.POST.get("to", "")
    if to == "on":
        seen = read_int(request, "version") or 0
        changed = switch_on(**where, actor=actor, reason=reason, now=now, seen_version=seen)
    elif to == "off":
        # Less exposure never waits for a page to be fresh.
        changed = kill_flag(**where, actor=actor, reason=reason, now=now)
    else:
        raise Http404
    messages.success(request, _("Done. The tills hear of it now.") if changed else _("It was so already."))
    return redirect("flags:detail", key=key)
