"""The outlet to the public status page: announced maintenance stands there from its announcement to its end."""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.message import Message, Reach
from announcements.outlets import Outlet, Published
from core.errors import Refusal
from statuspage.announced_queries import KEY, MAINTENANCE
from statuspage.models import PublicEnvironment
from statuspage.telling import PAGE_URL


def _fits(message: Message) -> bool:
    return message.kind in MAINTENANCE


def _check(message: Message, *, now: datetime) -> None:
    if not message.reach.is_at_sites:
        raise Refusal("announcement_at_no_site")
    public = PublicEnvironment.objects.filter(environment=message.environment_id, is_public=True)
    if not public.filter(shows_maintenance=True).exists():
        raise Refusal("status_page_without_maintenance")


def _publish(message: Message, *, now: datetime) -> Published:
    """Write nothing: the page reads what was said, what was put right and what was taken back."""
    return Published(url=PAGE_URL)


def _preview(message: Message, language: str) -> SafeString:
    with translation.override(language):
        context = {"said": message.say(language), "starts_at": message.starts_at, "ends_at": message.ends_at}
        return render_to_string("statuspage/_outlet.html", context)


def _count(_reach: Reach) -> int:
    """Return nobody: whoever opens the page is counted nowhere."""
    return 0


STATUS_PAGE = Outlet(
    key=KEY,
    label=_("Status page"),
    hint=_("Of maintenance: everybody reads its words and its window there, whichever sites it is for."),
    preview=_preview,
    publish=_publish,
    count=_count,
    check=_check,
    fits=_fits,
    place=1,
)
