"""The inbox."""

from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from core import clock
from core.roles import Capability, can, requires
from core.views import read_int
from notifications.digest_labels import list_sections
from notifications.labels import GROUPS, say_body, say_subject
from notifications.models import Delivery
from notifications.queries import count_given_up, find_failed_mails, list_inbox
from notifications.resending import send_again
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
    group = request.GET.get("kind", "")
    kinds = GROUPS.get(group, ("", frozenset[str]()))[1] if group else None
    messages_of_kind = list_inbox(user_id, only_unread=only_unread, kinds=kinds)
    page = Paginator(messages_of_kind, PAGE_SIZE).get_page(request.GET.get("page"))
    failed = find_failed_mails(user_id, event_ids=[one.event_id for one in page])
    rows = [
        {
            "delivery": one,
            "subject": say_subject(one.event),
            "body": say_body(one.event),
            "sections": list_sections(one.event),
            "failed": failed.get(one.event_id),
        }
        for one in page
    ]
    context = {
        "rows": rows,
        "page": page,
        "newest": list_inbox(user_id).values_list("pk", flat=True).first(),
        "only_unread": only_unread,
        "group": group,
        "groups": [(code, words) for code, (words, _kinds) in GROUPS.items()],
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
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Return the inbox as it was filtered."""
    kept = {}
    if request.POST.get("show") == "unread":
        kept["show"] = "unread"
    if request.POST.get("kind") in GROUPS:
        kept["kind"] = request.POST["kind"]
    return reverse("notifications:inbox") + (f"?{urlencode(kept)}" if kept else "")


@requires(Capability.VIEW)
def send_mail_again(request: HttpRequest) -> HttpResponse:
    """Try a mail again that was given up: one's own, or anybody's for those who keep the accounts."""
    if request.method != "POST":
        return redirect("notifications:inbox")
    is_keeper = can(request.user, Capability.MANAGE_PEOPLE)
    send_again(
        delivery_id=read_int(request, "delivery") or 0,
        recipient_id=None if is_keeper else request.user.pk,
        now=clock.now(),
    )
    messages.success(request, _("It is tried again now. The result is shown below."))
    event_id = read_int(request, "event")
    return redirect(_back(request)) if event_id is None else redirect("notifications:told", pk=event_id)
