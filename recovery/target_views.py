"""Pages of targets and their restore points."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, requires
from core.views import actor_of, answer_form, find_refusal, read_int, read_version
from recovery.forms import PointForm, TargetEditForm, TargetForm
from recovery.models import RestorePoint
from recovery.queries import SHOWN, describe_targets, get_target, list_kept, list_points, list_target_rows
from recovery.transitions.pointing import describe_point
from recovery.transitions.targeting import FIELDS, create_target, edit_target, retire_target


@requires(Capability.VIEW)
def list_all(request: HttpRequest) -> HttpResponse:
    """List the targets: what can be gone back to, and what is done to them now."""
    return render(request, "recovery/list.html", {"rows": list_target_rows(now=clock.now())})


@requires(Capability.MANAGE_TARGETS)
def new(request: HttpRequest) -> HttpResponse:
    """Make a target."""
    form = TargetForm(request.POST or None)
    status = 400 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        refusal = find_refusal(
            form,
            lambda: create_target(
                key=data["key"], wish=form.wish, actor=actor_of(request), reason=data["reason"], now=clock.now()
            ),
            fields=FIELDS,
        )
        if refusal is None:
            return redirect("recovery:target", key=data["key"])
        status = refusal.status
    return render(request, "recovery/target_form.html", {"form": form, "title": _("New target")}, status=status)


@requires(Capability.MANAGE_TARGETS)
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Describe a target anew, or retire it."""
    target = get_target(key)
    seen = read_version(request, target)
    by: dict[str, Any] = {"actor": actor_of(request), "now": clock.now(), "seen": seen}
    if request.method == "POST" and "retire" in request.POST:
        retire_target(target_id=target.pk, reason=request.POST.get("reason", ""), **by)
        return redirect("recovery:list")
    form = TargetEditForm(request.POST or None, initial=TargetEditForm.initial_of(target))
    status = 400 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        refusal = find_refusal(
            form,
            lambda: edit_target(target_id=target.pk, wish=form.wish, reason=form.cleaned_data["reason"], **by),
            fields=FIELDS,
        )
        if refusal is None:
            return redirect("recovery:target", key=key)
        status = refusal.status
    context = {"form": form, "title": target.name, "target": target, "version": seen}
    return render(request, "recovery/target_form.html", context, status=status)


@requires(Capability.VIEW)
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a target: what it can go back to, what was done to it, what is kept beside it."""
    target = get_target(key)
    operations = target.operations.all()[: SHOWN + 1]
    context = {
        "target": target,
        "points": list_points(target)[:50],
        "operations": operations[:SHOWN],
        "deployments": target.deployments.select_related("restore_point")[:5],
        "kept": list_kept(target),
        "row": describe_targets([target], now=clock.now())[0],
    }
    return render(request, "recovery/target.html", context)


@requires(Capability.OPERATE_TARGETS)
def point(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Show one restore point with what it holds; label it, keep it."""
    target = get_target(key)
    found = get_object_or_404(RestorePoint.objects.select_related("operation"), pk=pk, target=target)
    seen = read_version(request, found)
    initial = {"label": found.label, "is_kept": found.is_kept}
    form = PointForm(request.POST or None, initial=initial)
    return answer_form(
        request,
        form,
        lambda: describe_point(
            point_id=found.pk,
            actor=actor_of(request),
            now=clock.now(),
            seen=read_int(request, "version"),
            **form.cleaned_data,
        ),
        then=lambda: redirect("recovery:target", key=key),
        template="recovery/point.html",
        context={
            "target": target,
            "point": found,
            "version": seen,
            "tables": sorted(found.manifest.get("tables", {}).items()),
            "migrations": found.manifest.get("migrations", []),
        },
    )
