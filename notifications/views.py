"""The inbox."""

from datetime import timedelta

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from core import clock
from core.roles import Capability, requires
from core.views import read_int
from notifications.labels import say_body, say_subject
from notifications.models import Delivery
from notifications.queries import count_given_up, list_inbox
from notifications.transitions import mark_read

PAGE_SIZE = 30
#: How long a mail that was given up is shown above the inbox.
FAILURES_SHOWN = timedelta(days=2)


@requires(Capability.VIEW)
def inbox(request: HttpRequest) -> HttpResponse:
    """Show a person's messages; mark one or all as read, or open one."""
    user_id = request.user.pk or 0
    if request.method == "POST":
        return _mark(request, user_id)
    only_unread = request.GET.get("show") == "unread"
    page = Paginator(list_inbox(user_id, only_unread=only_unread), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [{"delivery": one, "subject": say_subject(one.event), "body": say_body(one.event)} for one in page]
    context = {
        "rows": rows,
        "page": page,
        "newest": list_inbox(user_id).values_list("pk", flat=True).first(),
        "only_unread": only_unread,
        "given_up": count_given_up(since=clock.now() - FAILURES_SHOWN),
    }
    return render(request, "notifications/inbox.html", context)


def _mark(request: HttpRequest, user_id: int) -> HttpResponse:
    delivery_id = read_int(request, "delivery")
    mark_read(user_id=user_id, delivery_id=delivery_id, up_to=read_int(request, "up_to"), now=clock.now())
    if request.POST.get("open") and delivery_id is not None:
        mine: Delivery | None = list_inbox(user_id).filter(pk=delivery_id).first()
        if mine is not None and url_has_allowed_host_and_scheme(mine.event.url, allowed_hosts=None):
            return redirect(mine.event.url)
    back = reverse("notifications:inbox")
    return redirect(f"{back}?show=unread" if request.POST.get("show") == "unread" else back)
