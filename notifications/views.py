"""The inbox."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from core import clock
from core.roles import Capability, requires
from core.views import read_int
from notifications.labels import say_body, say_subject
from notifications.queries import list_inbox
from notifications.transitions import mark_read

SHOWN = 100


@requires(Capability.VIEW)
def inbox(request: HttpRequest) -> HttpResponse:
    """Show a person's messages; mark one or all as read."""
    if request.method == "POST":
        mark_read(user_id=request.user.pk or 0, delivery_id=read_int(request, "delivery"), now=clock.now())
        return redirect("notifications:inbox")
    rows = [
        {"delivery": delivery, "subject": say_subject(delivery.event), "body": say_body(delivery.event)}
        for delivery in list_inbox(request.user.pk or 0)[:SHOWN]
    ]
    return render(request, "notifications/inbox.html", {"rows": rows})
