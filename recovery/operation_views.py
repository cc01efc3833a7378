"""Pages of operations: begun, watched, resumed, aborted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import Refusal
from core.roles import Capability, requires
from core.views import actor_of, find_refusal, read_int
from recovery.domain.lifecycle import DRIVEN, Kind, PointStatus, Status
from recovery.forms import DeployForm, RehearseForm, RollBackForm, TakeForm
from recovery.labels import say_failure
from recovery.loss_queries import find_loss
from recovery.migration_queries import find_warnings
from recovery.models import Operation, Target
from recovery.queries import (
    find_first_reason,
    find_newest_point,
    find_taking,
    find_timed,
    get_operation,
    get_target,
    measure_progress,
)
from recovery.transitions.asking import abort_operation, leave_operation, resume_operation
from recovery.transitions.wishes import (
    deploy,
    find_newest_deployment,
    let_go,
    rehearse,
    roll_back,
    swap_back,
    take_point,
    verify_point,
)


@requires(Capability.OPERATE_TARGETS)
def take(request: HttpRequest, key: str) -> HttpResponse:
    """Have a restore point taken."""
    target = get_target(key)
    form = TakeForm(request.POST or None)
    return _begin(
        request,
        form,
        lambda: take_point(target=target, actor=actor_of(request), now=clock.now(), **form.cleaned_data),
        template="recovery/take.html",
        target=target,
        kind=Kind.TAKE,
    )


@requires(Capability.OPERATE_TARGETS)
def deploy_release(request: HttpRequest, key: str) -> HttpResponse:
    """Have a release put on a target."""
    target = get_target(key)
    asked = read_release(request)
    form = DeployForm(request.POST or None, initial=asked)
    warnings = find_warnings(target, **asked) if all(asked.values()) else None
    if warnings is None or not warnings.need_word:
        del form.fields["accepts_migrations"]
    return _begin(
        request,
        form,
        lambda: deploy(target=target, actor=actor_of(request), now=clock.now(), **form.cleaned_data),
        template="recovery/deploy.html",
        target=target,
        kind=Kind.DEPLOY,
        warnings=warnings,
        asked=asked,
    )


@requires(Capability.OPERATE_TARGETS)
def rehearse_migrations(request: HttpRequest, key: str) -> HttpResponse:
    """Have a release's migrations tried on a copy of the target's database."""
    target = get_target(key)
    form = RehearseForm(request.POST or None, target=target, initial=read_release(request))

    def write() -> Operation:
        data = dict(form.cleaned_data)
        point = data.pop("point")
        return rehearse(target=target, point_id=point.pk, actor=actor_of(request), now=clock.now(), **data)

    has_points = target.restore_points.filter(status=PointStatus.VERIFIED).exists()
    return _begin(
        request,
        form,
        write,
        template="recovery/rehearse.html",
        target=target,
        kind=Kind.REHEARSE,
        has_points=has_points,
    )


def read_release(request: HttpRequest) -> dict[str, str]:
    """Return the version and image that an address or a form names, empty where it does not."""
    given = request.POST if request.method == "POST" else request.GET
    return {name: given.get(name, "").strip()[:300] for name in ("version", "image")}


@requires(Capability.OPERATE_TARGETS)
def roll_back_target(request: HttpRequest, key: str) -> HttpResponse:
    """Take a target back: one question, what it costs, one button."""
    target = get_target(key)
    deployment = find_newest_deployment(target)
    has_image = deployment is not None and bool(deployment.previous_image)
    # Where only the database can go back, the newest restore point is what is meant.
    initial = {} if has_image else {"point": find_newest_point(target)}
    form = RollBackForm(request.POST or None, target=target, deployment=deployment, initial=initial)

    def write() -> Operation:
        data = form.cleaned_data
        point = data.get("point")
        return roll_back(
            target=target,
            with_application=bool(data.get("with_application")),
            point_id=point.pk if point else None,
            accepts_losses=bool(data.get("accepts_losses")),
            reverses=bool(data.get("reverses")),
            actor=actor_of(request),
            reason=data["reason"],
            now=clock.now(),
        )

    return _begin(
        request,
        form,
        write,
        template="recovery/roll_back.html",
        target=target,
        deployment=deployment,
        kind=Kind.ROLL_BACK,
        timed=find_timed(target),
    )


@requires(Capability.OPERATE_TARGETS)
def act_on_target(request: HttpRequest, key: str, action: str) -> HttpResponse:
    """Check a restore point again, swap a kept database back, or let it go."""
    target = get_target(key)
    if action not in {"verify", "swap-back", "let-go"}:
        raise Http404
    if request.method != "POST":
        return redirect("recovery:target", key=key)
    by: dict[str, Any] = {"actor": actor_of(request), "reason": request.POST.get("reason", ""), "now": clock.now()}
    if action == "verify":
        point_id = read_int(request, "point") or 0
        operation = _named(lambda: verify_point(target=target, point_id=point_id, **by), target)
    else:
        write = swap_back if action == "swap-back" else let_go
        operation = _named(lambda: write(target=target, database=request.POST.get("database", ""), **by), target)
    return redirect("recovery:operation", pk=operation.pk)


@requires(Capability.VIEW)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an operation with its steps; the page refreshes itself while it is driven."""
    operation = get_operation(pk)
    context = {
        "operation": operation,
        "steps": operation.steps.all(),
        "progress": measure_progress(operation, now=clock.now()),
        "is_driven": operation.status in DRIVEN,
        "failure": say_failure(operation.failure) if operation.failure else "",
        "can_resume": operation.status == Status.FAILED,
        "late_by": _find_delay(operation),
        "loss": find_loss(operation),
        "why": find_first_reason(operation),
    }
    template = "recovery/_operation.html" if getattr(request, "htmx", False) else "recovery/operation.html"
    return render(request, template, context)


def _find_delay(operation: Operation) -> timedelta | None:
    """Return by how much an operation is, or was, past its deadline; None where it is not."""
    if operation.deadline_at is None:
        return None
    late = (operation.ended_at or clock.now()) - operation.deadline_at
    return late if late > timedelta() else None


@requires(Capability.OPERATE_TARGETS)
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Let an operation go on, say yes to what it asks, or have it given up."""
    operation = get_operation(pk)
    if action not in {"resume", "accept", "abort", "leave"}:
        raise Http404
    if request.method == "POST":
        by: dict[str, Any] = {"actor": actor_of(request), "reason": request.POST.get("reason", ""), "now": clock.now()}
        if action == "abort":
            abort_operation(operation_id=operation.pk, **by)
            messages.success(request, _("It is being aborted: what it changed is put back."))
        elif action == "leave":
            leave_operation(operation_id=operation.pk, **by)
            messages.success(request, _("It is over as it stands. Another rollback can begin."))
        else:
            seen_rows = read_int(request, "rows") if action == "accept" else None
            resume_operation(operation_id=operation.pk, accepts=action == "accept", seen_rows=seen_rows, **by)
            messages.success(request, _("It goes on."))
    return redirect("recovery:operation", pk=pk)


def _begin(
    request: HttpRequest,
    form: Form,
    write: Callable[[], Operation],
    *,
    template: str,
    target: Target,
    kind: Kind,
    **context: object,
) -> HttpResponse:
    """Answer a form that begins an operation: to its page, else the form again, with what has the target now."""
    status = 400 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        begun: list[Operation] = []
        refusal = find_refusal(form, lambda: begun.append(_named(write, target)))
        if refusal is None:
            return redirect("recovery:operation", pk=begun[0].pk)
        status = refusal.status
    page = {"form": form, "target": target, "taken": find_taking(target, kind=kind), **context}
    return render(request, template, page, status=status)


def _named(write: Callable[[], Operation], target: Target) -> Operation:
    """Do a write; a refusal of it names the target as people know it."""
    try:
        return write()
    except Refusal as refusal:
        if "target" in refusal.data:
            refusal.data["target"] = target.name
        raise
