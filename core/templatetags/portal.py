"""Words for moments, shares and states. A template tag is a view: it may read the clock."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from django import template
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext, pgettext, pgettext_lazy

from core import clock, program
from core.domain.telephone import dial
from core.markdown import render_markdown
from core.reasons import say_reason
from core.roles import Capability
from core.roles import can as holds

if TYPE_CHECKING:
    from core.models import User

register = template.Library()


@register.simple_tag
def manage() -> str:
    """Return how the portal's commands begin on this machine."""
    return program.manage()


class DateRange(Protocol):
    """Civil days, both ends included."""

    @property
    def starts_on(self) -> date: ...
    @property
    def last_on(self) -> date: ...


MINUTE, HOUR, DAY = 60, 3_600, 86_400


#: Short names of months that Django does not give as they are written: words of the catalogue stand before its own.
MONTHS = (pgettext_lazy("abbrev. month", "Jan."), pgettext_lazy("abbrev. month", "Feb."))


def _say_day(value: date) -> str:
    """Return weekday, day and month: "Wed 4 Nov"; the first of a month is written apart in French."""
    if value.day == 1:
        # Translators: as "D j M", of the first of a month: "mar. 1er déc."
        return formats.date_format(value, pgettext("date format of a month’s first", "D j M"))
    # Translators: Django's date format of weekday, day and month, e.g. "Wed 4 Nov"
    return formats.date_format(value, pgettext("date format", "D j M"))


@register.filter
def short_day(value: date) -> str:
    """Return a civil day without its weekday, e.g. "4 Nov"."""
    if value.day == 1:
        return formats.date_format(value, pgettext("date format of a month’s first", "j M"))
    # Translators: Django's date format of day and month, e.g. "4 Nov"
    return formats.date_format(value, pgettext("date format", "j M"))


def dated(value: date) -> str:
    """Return a civil day for what is kept, its year always with it, e.g. "Wed 4 Nov 2026"."""
    return f"{_say_day(value)} {value.year}"


def _add_year(words: str, value: date) -> str:
    """Return a day's words, with its year where it is not this year's."""
    return words if value.year == timezone.localtime(clock.now()).year else f"{words} {value.year}"


@register.filter
def can(user: Any, capability: str) -> bool:
    """Tell whether the person holds a capability."""
    return holds(user, Capability(capability))


@register.filter
def why(reason: str | None) -> str:
    """Return a reason in the reader's language: as typed where a person typed it."""
    return say_reason(reason or "")


@register.filter
def markdown(text: str) -> str:
    """Return people's Markdown as harmless HTML; what holds it has class `prose`."""
    return render_markdown(text)


@register.filter
def moment(value: datetime | None) -> str:
    """Return day and time in the portal's zone, e.g. "Wed 4 Nov, 06:00"."""
    return "—" if value is None else say_local(timezone.localtime(value))


@register.filter
def tel(phone: str) -> str:
    """Return what a telephone dials, for `href="tel:…"`."""
    return dial(phone)


@register.filter
def there(value: datetime, zone: str) -> str:
    """Return day and time on the clock of a place, empty where clocks go as in the portal's zone."""
    local = value.astimezone(ZoneInfo(zone))
    return "" if local.utcoffset() == timezone.localtime(value).utcoffset() else say_local(local)


def say_local(local: datetime) -> str:
    """Return day and time on the clock that a moment carries."""
    return f"{_add_year(_say_day(local), local)}, {local:%H:%M}"


@register.inclusion_tag("_zone.html")
def zone_note() -> dict[str, str]:
    """Render in which zone the times of a page are, once for all of them."""
    return {"place": timezone.get_default_timezone_name().rpartition("/")[2].replace("_", " ")}


@register.inclusion_tag("_at.html")
def at(value: datetime) -> dict[str, datetime]:
    """Render a moment with how far it is: "Wed 4 Nov, 06:00", "in 14 h"."""
    return {"value": value}


@register.filter
def weekday(value: date) -> str:
    """Return a civil day within a week, e.g. "Mon 9"."""
    if value.day == 1:
        return formats.date_format(value, pgettext("date format of a month’s first", "D j"))
    # Translators: Django's date format of weekday and day, e.g. "Mon 9"
    return formats.date_format(value, pgettext("date format", "D j"))


@register.filter
def civil_day(value: date | None) -> str:
    """Return a civil day, e.g. "Wed 4 Nov", with its year where it is not this year's."""
    if value is None:
        return "—"
    return _add_year(_say_day(value), value)


@register.filter
def weekday_name(value: date) -> str:
    """Return the short name of a civil day's weekday, e.g. "Mon"."""
    return formats.date_format(value, "D")


@register.filter
def month_name(value: date) -> str:
    """Return a civil day's month, e.g. "December 2026"."""
    words = month_in_words(value)
    return words[:1].upper() + words[1:]


@register.filter
def month_in_words(value: date) -> str:
    """Return a civil day's month as it stands within a sentence: "December 2026"."""
    return formats.date_format(value, "F Y")


@register.filter
def days(start: datetime, end: datetime) -> str:
    """Return the days of a half-open interval in the portal's zone, e.g. "4 Nov – 6 Nov"."""
    first, last = (timezone.localtime(edge).date() for edge in (start, end - timedelta(seconds=1)))
    return _add_year(short_day(first) if first == last else f"{short_day(first)} – {short_day(last)}", last)


@register.filter
def date_range(value: DateRange) -> str:
    """Return civil days from the first to the last, e.g. "Sat 5 Dec" or "3 Aug – 22 Aug"."""
    if value.starts_on == value.last_on:
        return civil_day(value.starts_on)
    return _add_year(f"{short_day(value.starts_on)} – {short_day(value.last_on)}", value.last_on)


@register.filter
def clock_time(value: datetime) -> str:
    """Return a time of day in the portal's zone with its seconds, as rehearsals need."""
    return f"{timezone.localtime(value):%H:%M:%S}"


@register.filter
def hour(value: datetime) -> str:
    """Return a time of day in the portal's zone, e.g. "06:00"."""
    return f"{timezone.localtime(value):%H:%M}"


@register.filter
def brief(value: timedelta) -> str:
    """Return a short length of time with a tenth of a second, a longer one as `span` does."""
    seconds = value.total_seconds()
    return gettext("%(n)s s") % {"n": formats.number_format(seconds, 1)} if seconds < MINUTE else span(value)


@register.filter
def relative(value: datetime | None) -> str:
    """Return how far a moment is: "in 14 h", "3 min ago"."""
    if value is None:
        return "—"
    seconds = (value - clock.now()).total_seconds()
    words = span(timedelta(seconds=abs(seconds)))
    return gettext("in %(span)s") % {"span": words} if seconds > 0 else gettext("%(span)s ago") % {"span": words}


@register.filter
def elapsed(value: datetime) -> str:
    """Return how long a moment has passed: "14 h"."""
    return span(clock.now() - value)


@register.filter
def due(value: datetime) -> str:
    """Return when something is due, relative to now: "in 14 h", or "due now" once its moment has come."""
    return relative(value) if value > clock.now() else gettext("due now")


@register.filter
def span(value: timedelta) -> str:
    """Return a length of time in its two largest units."""
    seconds = int(abs(value.total_seconds()))
    if seconds < MINUTE:
        return gettext("%(n)s s") % {"n": seconds}
    if seconds < HOUR:
        return gettext("%(n)s min") % {"n": seconds // MINUTE}
    if seconds < 2 * DAY:
        hours, minutes = seconds // HOUR, seconds % HOUR // MINUTE
        return (
            gettext("%(h)s h %(m)s min") % {"h": hours, "m": minutes} if minutes else gettext("%(n)s h") % {"n": hours}
        )
    days = seconds // DAY
    return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}


@register.filter
def name_of(person: "User | None") -> str:
    """Return a person's full name, the user name where they have none; empty for nobody."""
    return "" if person is None else str(person)


@register.filter
def get(mapping: dict[Any, Any], key: Any) -> Any:
    """Return a mapping's value, an empty text where there is none."""
    return mapping.get(key, "")


@register.inclusion_tag("_icon.html")
def icon(name: str) -> dict[str, str]:
    """Render a picture of static/icons.svg beside words that say the same."""
    return {"name": name}


@register.inclusion_tag("_field.html")
def field(bound: Any, *, needed: bool = False) -> dict[str, Any]:
    """Render one form field with its label, help and errors; `needed` where another answer asks for it."""
    return {"field": bound, "needed": needed}


@register.inclusion_tag("_reason.html")
def reason_field(*, focus: bool = False, value: str = "") -> dict[str, Any]:
    """Render the reason every change asks for; another button of the form that needs none is `formnovalidate`."""
    return {"focus": focus, "value": value}
