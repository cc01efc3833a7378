"""The board in words: `{{ head|words_of_head }}`; of its cells `{{ content|count_of_cell }}`, and when."""

from django import template
from django.utils.translation import gettext as _

from core.templatetags.portal import civil_day, say_local, short_day
from rollouts.board import Content, Head
from rollouts.domain.board import Grain
from rollouts.labels import CELL_COUNTS, CELLS

register = template.Library()


@register.filter
def words_of_head(head: Head) -> str:
    """Return the days of a column: "Wed 4 Nov", "week of 2 Nov", "9 Nov – 20 Dec", or a rehearsal's numbers."""
    if head.number is not None:
        return _say_numbers(head)
    day = head.column.span.day
    if day is not None:
        return civil_day(day) if head.column.grain is Grain.DAY else _("week of %(day)s") % {"day": short_day(day)}
    first, last = (at.astimezone(head.zone).date() for at in (head.column.first_at, head.column.last_at))
    return short_day(first) if first == last else f"{short_day(first)} – {short_day(last)}"


@register.filter
def count_of_cell(content: Content) -> str:
    """Return how many steps a cell stands for, "3 of 8" where only some are as it says; nothing where it is one."""
    total = content.tally.total
    count = dict(content.states).get(content.state, content.tally.done)
    if count != total:
        return _("%(n)s of %(total)s") % {"n": count, "total": total}
    return str(total) if total > 1 else ""


@register.filter
def when_of_cell(content: Content) -> str:
    """Return the hours of a cell, with the days where the head of its column does not say them."""
    if content.number is not None:
        return _say_numbers(content) if content.says_day else f"{content.first:%H:%M:%S}"
    first, last = content.first, content.last
    if content.says_day and first.date() != last.date():
        return f"{short_day(first.date())} – {short_day(last.date())}"
    hours = f"{first:%H:%M}" if f"{first:%H:%M}" == f"{last:%H:%M}" else f"{first:%H:%M}–{last:%H:%M}"
    return f"{short_day(first.date())}, {hours}" if content.says_day else hours


@register.filter
def words_of_cell(content: Content) -> str:
    """Return a cell in words: how many stand how, where, when and since when, e.g. "8 done, Lyon, Wed 4 Nov, 06:00"."""
    many = content.tally.total > 1
    states = [str(CELL_COUNTS[state] % {"n": count}) if many else str(CELLS[state]) for state, count in content.states]
    words = [*states, content.site, _say_when(content)]
    return ", ".join(word for word in words if word)


def _say_when(content: Content) -> str:
    if content.number is not None:
        return _say_numbers(content)
    if content.done is not None and content.tally.done == content.tally.total:
        when = say_local(content.done)
    elif content.first == content.last:
        when = say_local(content.first)
    else:
        when = f"{say_local(content.first)} – {say_local(content.last)}"
    return _("%(moment)s there") % {"moment": when} if content.is_elsewhere else when


def _say_numbers(numbered: Content | Head) -> str:
    if numbered.number == numbered.last_number:
        return _("day %(day)s") % {"day": numbered.number}
    return _("days %(first)s–%(last)s") % {"first": numbered.number, "last": numbered.last_number}
