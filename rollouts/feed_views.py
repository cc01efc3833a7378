"""Calendar feeds: a person's own addresses, and what a calendar program gets there."""

import hashlib
from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core import clock
from core.models import User
from core.roles import Capability, can, requires
from core.views import actor_of, read_int, write_from
from rollouts.feed_forms import FeedForm
from rollouts.feed_queries import find_feed, list_entries, list_feed_freezes, list_feeds
from rollouts.ical import write_calendar
from rollouts.models import CalendarFeed
from rollouts.transitions.feeding import create_feed, note_use, revoke_feed

ROWS = 50
#: Whoever may take back programs' tokens may take back what people's calendars fetch.
OVERSEE = Capability.MANAGE_TOKENS


@requires(Capability.VIEW)
def list_own(request: HttpRequest) -> HttpResponse:
    """List a person's feeds, and to an admin everybody's; make one, whose address is shown once."""
    person = cast("User", request.user)
    form = FeedForm(request.POST or None, initial={"name": _("Releases")})
    made: list[str] = []
    if request.method == "POST" and write_from(form, lambda: made.append(_make(request, form))):
        form = FeedForm(initial={"name": _("Releases")})
    others = list_feeds(but_of=person.pk) if can(person, OVERSEE) else CalendarFeed.objects.none()
    context = {
        "feeds": list_feeds(person_id=person.pk),
        "others": Paginator(others, ROWS).get_page(request.GET.get("page")),
        "form": form,
        "shown": made[0] if made else "",
        "webcal": made[0].replace("https://", "webcal://").replace("http://", "webcal://") if made else "",
    }
    answer = render(request, "rollouts/feeds.html", context, status=400 if form.errors else 200)
    answer["Cache-Control"] = "no-store"
    return answer


def _make(request: HttpRequest, form: FeedForm) -> str:
    person = cast("User", request.user)
    _feed, secret = create_feed(person_id=person.pk, actor=actor_of(request), now=clock.now(), **form.wishes)
    return f"{settings.PUBLIC_URL}{reverse('rollouts:feed', args=[secret])}"


@requires(Capability.VIEW)
def remove(request: HttpRequest) -> HttpResponse:
    """Take a feed back: one's own, or as an admin anybody's."""
    if request.method == "POST":
        person = cast("User", request.user)
        revoke_feed(
            feed_id=read_int(request, "feed") or 0,
            owner_id=None if can(person, OVERSEE) else person.pk,
            actor=actor_of(request),
            reason=request.POST.get("reason", ""),
            now=clock.now(),
        )
        messages.success(request, _("Done. The address leads nowhere any more."))
    return redirect("rollouts:feeds")


@require_safe
def give(request: HttpRequest, secret: str) -> HttpResponseBase:
    """Give a calendar program what its feed's owner may see; the secret in the address alone opens it."""
    feed = find_feed(secret)
    if feed is None or not can(feed.person, Capability.VIEW):
        answer: HttpResponseBase = HttpResponse("No such calendar.\n", status=404, content_type="text/plain")
    else:
        with translation.override(feed.person.language):
            answer = _write(request, feed, now=clock.now())
        answer["Content-Language"] = feed.person.language
    # What the address is must be known to nobody but the program that holds it.
    answer["Cache-Control"] = "private, no-cache"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _write(request: HttpRequest, feed: CalendarFeed, *, now: datetime) -> HttpResponseBase:
    note_use(feed, now=now)
    body = write_calendar(
        name=feed.name,
        entries=list_entries(environment_id=feed.environment_id, now=now),
        freezes=list_feed_freezes(environment_id=feed.environment_id, now=now),
    )
    answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    answer["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    answer["Content-Disposition"] = 'inline; filename="releases.ics"'
    given = get_conditional_response(request, etag=answer["ETag"], response=answer)
    return answer if given is None else given
