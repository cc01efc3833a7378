"""Pages of broadcasts: how far each is, pause and go on; and the list of users of the tills."""

from dataclasses import asdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import actor_of, answer_form, find_refusal
from notifications.broadcast_forms import SteerForm, UsersForm
from notifications.broadcast_queries import count_users, list_progress
from notifications.bulk_models import BroadcastStatus
from notifications.bulk_transitions import steer_broadcast
from notifications.contact_transitions import Added, add_users
from notifications.labels import say_body, say_subject
from notifications.models import Broadcast, BulkLane
from notifications.places import list_sites
from notifications.user_lists import read_users

EDITS = Capability.DRIVE_ROLLOUTS
SHOWN = 50
#: What a page's buttons ask for.
STEPS = {"pause": BroadcastStatus.PAUSED, "resume": BroadcastStatus.SENDING, "end": BroadcastStatus.ENDED}


@requires(Capability.VIEW)
def broadcasts(request: HttpRequest) -> HttpResponse:
    """List broadcasts with how far each is, and how many users of the tills there are."""
    rows = list_progress(list(Broadcast.objects.select_related("event", "started_by")[:SHOWN]))
    context = {
        "rows": [(one, say_subject(one.broadcast.event)) for one in rows],
        "users": count_users(),
        "can_edit": can(request.user, EDITS),
    }
    return render(request, "notifications/broadcasts.html", context)


@requires(Capability.VIEW)
def broadcast(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one broadcast; the part with its progress refreshes itself."""
    return _show(request, pk)


def _show(request: HttpRequest, pk: int, *, form: SteerForm | None = None, status: int = 200) -> HttpResponse:
    row = get_object_or_404(Broadcast.objects.select_related("event", "started_by"), pk=pk)
    (progress,) = list_progress([row])
    context = {
        "progress": progress,
        "broadcast": row,
        "subject": say_subject(row.event),
        "body": say_body(row.event),
        "form": form or SteerForm(),
        "can_edit": can(request.user, EDITS) and row.status != BroadcastStatus.ENDED,
        "lane": BulkLane.objects.filter(failures__gt=0).first(),
    }
    part = "notifications/_progress.html" if request.headers.get("HX-Target") == "progress" else None
    return render(request, part or "notifications/broadcast.html", context, status=status)


@requires(EDITS)
def steer(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """Pause a broadcast, let it go on, or break it off."""
    row = get_object_or_404(Broadcast, pk=pk)
    if request.method != "POST" or action not in STEPS:
        return redirect("notifications:broadcast", pk=row.pk)
    form = SteerForm(request.POST)

    def write() -> object:
        reason = form.cleaned_data["reason"]
        return steer_broadcast(
            broadcast_id=row.pk, status=STEPS[action], actor=actor_of(request), reason=reason, now=clock.now()
        )

    if not form.is_valid() or find_refusal(form, write) is not None:
        return _show(request, pk, form=form, status=400)
    return redirect("notifications:broadcast", pk=row.pk)


@requires(EDITS)
def users(request: HttpRequest) -> HttpResponse:
    """Add users of the tills from a list; none of it is taken where a line is wrong."""
    form = UsersForm(request.POST or None, request.FILES or None)
    counted: list[Added] = []

    def write() -> None:
        keys = {key for key, _name in list_sites()}
        counted.append(add_users(read_users(form.cleaned_data["text"], sites=keys), now=clock.now()))

    def then() -> HttpResponse:
        messages.success(
            request,
            _("%(new)s new; %(changed)s changed; %(left_out)s left out, who ended it or whose mails came back.")
            % asdict(counted[0]),
        )
        return redirect("notifications:broadcasts")

    context = {"users": count_users(), "sites": " ".join(key for key, _name in list_sites()[:2])}
    return answer_form(request, form, write, then=then, template="notifications/users.html", context=context)
