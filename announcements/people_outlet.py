"""The outlet to people of the portal: inbox and e-mail, and with them the channels of teams."""

from datetime import datetime

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from announcements.domain.message import Message, Reach
from announcements.mail_words import KINDS, draw_mail, say_data
from announcements.outlets import Outlet, Published
from notifications.domain.audience import Audience
from notifications.models import Event
from notifications.transitions import publish


def _preview(message: Message, language: str) -> SafeString:
    return draw_mail(Event(kind=KINDS[message.act], data=say_data(message), url=message.url), language)


def _publish(message: Message, *, now: datetime) -> Published:
    event = publish(
        kind=KINDS[message.act],
        data=say_data(message),
        audience=Audience(user_ids=frozenset(message.reach.user_ids)),
        dedupe_key=f"announcement:{message.announcement_id}:{message.number}",
        now=now,
        url=message.url,
    )
    return Published(message.reach.people, "" if event is None else f"/told/{event.pk}/")


def _count(reach: Reach) -> int:
    return reach.people


PEOPLE = Outlet(
    key="people",
    label=_("Inbox and e-mail"),
    hint=_("People of the portal with the roles below, and the contacts of the sites who have an account."),
    is_public=False,
    preview=_preview,
    publish=_publish,
    count=_count,
)
