"""The plan's page: every moment, and edits that are shown before they are done."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from core import clock
from core.errors import Refusal
from core.labels import say_refusal
from core.roles import Capability, can, requires
from core.views import actor_of, read_int
from flags.queries import get_flag_names
from rollouts.action_queries import is_approved
from rollouts.done_labels import EDITED
from rollouts.models import Rollout
from rollouts.plan_edits import EditForm, Preview, choose_edit, find_moment_of, list_moments, preview_edit

#: History asks for a reason, and a preview writes none.
LOOKED_AT = "looked at"


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a rollout's plan, moment by moment; show what an edit would change, then do it with a reason."""
    rollout = get_object_or_404(Rollout.objects.select_related("release", "environment"), pk=pk)
    form = EditForm(request.POST or None, rollout=rollout)
    preview: Preview | None = None
    if request.method == "POST" and can(request.user, Capability.DRIVE_ROLLOUTS) and form.is_valid():
        try:
            edit = choose_edit(rollout, form.cleaned_data)
            by = {"actor": actor_of(request), "now": clock.now(), "seen_epoch": read_int(request, "epoch")}
            if request.POST.get("do") == "save":
                edit(**by, reason=request.POST.get("reason", ""))
                messages.success(request, str(EDITED[form.cleaned_data["edit"]]))
                return redirect("rollouts:plan_of", pk=pk)
            preview = preview_edit(rollout, lambda: edit(**by, reason=LOOKED_AT))
        except Refusal as refusal:
            form.add_error(None, say_refusal(refusal))
    context = {
        "rollout": rollout,
        "moments": list_moments(rollout),
        "form": form,
        "preview": preview,
        "is_approved": is_approved(rollout),
        "chosen": form["step"].value() or find_moment_of(rollout, request.GET.get("step", "")),
        "reason": request.POST.get("reason", ""),
        "flag_names": get_flag_names(),
    }
    return render(request, "rollouts/plan_of.html", context, status=400 if form.errors else 200)
