"""The outlet to the public status page: announced maintenance stands there from its announcement to its end.

The page reads what was said; who subscribed to one of its components is told.
"""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.lifecycle import Act
from announcements.domain.message import Message, Reach
from announcements.mail_words import say_data
from announcements.outlets import Outlet, Published
from core.errors import Refusal
from notifications.subscribing import tell_subscribers
from statuspage.announced_queries import KEY, MAINTENANCE
from statuspage.models import Component, PublicEnvironment
from statuspage.rollout_queries import is_touched
from statuspage.telling import PAGE_URL

#: About a site that is not on the page: who reads of everything is told.
_NO_COMPONENT = "0"
#: As which kind of message subscribers hear it.
_KINDS = {
    Act.FIRST: "status_update",
    Act.CORRECTION: "announcement_corrected",
    Act.WITHDRAWAL: "announcement_withdrawn",
}


def _fits(message: Message) -> bool:
    return message.kind in MAINTENANCE


def _check(message: Message, *, now: datetime) -> None:
    if not message.reach.is_at_sites:
        raise Refusal("announcement_at_no_site")
    public = PublicEnvironment.objects.filter(environment=message.environment_id, is_public=True)
    if not public.filter(shows_maintenance=True).exists():
        raise Refusal("status_page_without_maintenance")


def _publish(message: Message, *, now: datetime) -> Published:
    """Tell the subscribers of what it is about, and write nothing else."""
    sites = () if message.reach.is_everywhere else message.reach.site_keys
    shown = Component.objects.filter(environment=message.environment_id, is_shown=True).select_related("site")
    touched = [one for one in shown if is_touched(one, environment_id=message.environment_id, site_keys=sites)]
    words = say_data(message)
    tell_subscribers(
        kind=_KINDS[message.act],
        data={name: words[name] for name in ("announced_title", "announced_text", "announced_note")},
        topics=[str(one.pk) for one in touched] or [_NO_COMPONENT],
        dedupe_key=f"status:announcement:{message.announcement_id}:{message.number}",
        url=PAGE_URL,
        now=now,
    )
    return Published(url=PAGE_URL)


def _preview(message: Message, language: str) -> SafeString:
    with translation.override(language):
        context = {"said": message.say(language), "starts_at": message.starts_at, "ends_at": message.ends_at}
        return render_to_string("statuspage/_outlet.html", context)


def _count(_reach: Reach) -> int:
    """Return nobody, as for a public word: who opens the page is counted nowhere."""
    return 0


STATUS_PAGE = Outlet(
    key=KEY,
    label=_("Status page"),
    hint=_("Of maintenance: everybody reads its words and its window there; who subscribed to it is told."),
    preview=_preview,
    publish=_publish,
    count=_count,
    check=_check,
    fits=_fits,
    place=1,
)
