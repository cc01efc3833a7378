"""A digest in words: its sections, each thing with its date and its page; in the language in force."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import clock
from core.domain.business_time import list_time_zones
from core.templatetags.portal import civil_day, say_local
from notifications.domain.due import Horizon
from notifications.domain.mail_modes import DIGEST_KIND, MailMode
from notifications.due import get_label

if TYPE_CHECKING:
    from notifications.models import Event

#: What a digest holds beside what is due.
MESSAGES = "messages"
SECTIONS: Mapping[str, str | Promise] = {
    Horizon.OVERDUE: pgettext_lazy("what is due", "Overdue"),
    Horizon.TODAY: pgettext_lazy("what is due", "Today"),
    Horizon.SOON: pgettext_lazy("what is due", "Within a week"),
    Horizon.LATER: pgettext_lazy("what is due", "Later"),
    MESSAGES: _("Told since the last digest"),
}
SIGNS: Mapping[str, str] = {
    Horizon.OVERDUE: "▲",
    Horizon.TODAY: "●",
    Horizon.SOON: "○",
    Horizon.LATER: "·",
    MESSAGES: "✉",
}

MODES: Mapping[MailMode, str | Promise] = {
    MailMode.AT_ONCE: _("by mail, at once"),
    MailMode.DIGEST: _("in the digest"),
    MailMode.NEVER: _("inbox only"),
}
#: What of a group is mailed at once whatever its reader chose, and why; groups without a line have nothing urgent.
ALWAYS: Mapping[str, str | Promise] = {
    "rollbacks": _(
        "Always by mail, at once: shops feel within minutes what was taken back, and a rollout that is held stands"
        " still until somebody looks."
    ),
    "incidents": _(
        "Always by mail, at once: an incident opened, raised or reopened, its clock running out, its command given to"
        " you, a public word overdue, more complaints than the limit, and what the portal could not open as an"
        " incident. Its clock counts while a mail lies unread."
    ),
    "recovery": _(
        "Always by mail, at once: a rollback of a target that waits for your answer or stands still, and a deployment"
        " that failed. The shop’s tills may be down meanwhile."
    ),
    "portal": _(
        "Always by mail: the daily head of the history chain, since the copy outside of the portal is what makes it a"
        " proof; and, at once, that a team’s channel was given up, since the team hears nothing there any more."
    ),
}


@dataclass(frozen=True)
class Row:
    title: str
    label: str
    due: str
    url: str


@dataclass(frozen=True)
class Section:
    """`more`: how many there are beside the rows."""

    code: str
    title: str
    sign: str
    rows: Sequence[Row]
    more: int


def list_sections(event: "Event", *, base: str = "") -> list[Section]:
    """Return what a digest lists, dates on its reader's clock; nothing of another event. `base`: before addresses."""
    if event.kind != DIGEST_KIND:
        return []
    name = str(event.data["zone"])
    zone = ZoneInfo(name) if name in list_time_zones() else clock.get_zone()
    return [
        Section(
            code=one["code"],
            title=str(SECTIONS[one["code"]]),
            sign=SIGNS[one["code"]],
            rows=[_say_row(row, zone=zone, base=base) for row in one["rows"]],
            more=one["more"],
        )
        for one in event.data.get("sections", ())
    ]


def _say_row(row: Mapping[str, Any], *, zone: ZoneInfo, base: str) -> Row:
    text = str(row["at"])
    due = datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    return Row(
        title=" ".join(row["title"].split()),
        label=str(get_label(row["source"])) if row["source"] else "",
        due=say_due(due, zone=zone),
        url=f"{base}{row['url']}",
    )


def say_due(due: date | datetime, *, zone: ZoneInfo) -> str:
    """Return a day as it is, a moment on the clock of a zone."""
    return say_local(due.astimezone(zone)) if isinstance(due, datetime) else civil_day(due)
