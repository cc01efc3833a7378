"""Words of guardrails that are queries of one's own."""

from collections.abc import Mapping

from django.template.defaultfilters import floatformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from health.domain.query_lane import SIGNS
from health.source_labels import say_fault

REFUSALS: dict[str, str | Promise] = {
    "query_unknown": _("There is no such query."),
    "query_name_taken": _("There is a query %(name)s in this environment already."),
    "query_incomplete": _("Give it a name and a query."),
    "query_unreadable": _("A field holds characters that cannot be stored."),
    "query_limit_wrong": _("The limit is a number that can be written down."),
    "query_lasting_wrong": _("It lasts 0 to %(most)s seconds."),
}

#: What a query that gave no value said; `%(fault)s`: its source's fault in words.
FAULTS: dict[str, str | Promise] = {
    "no_data": _("It gives nothing: there is no such series, or it was not scraped lately."),
    "not_a_number": _("It gives NaN or an infinite number."),
    "many_series": _("It gives %(count)s series: sum them up, or pick one, so that one number is left."),
}

SENTENCES: dict[str, str | Promise] = {
    "query_limit": _("%(query)s: %(value)s, %(sign)s %(bar)s since %(since)s."),
    "query_beyond": _("%(query)s: %(value)s, %(sign)s %(bar)s since %(since)s, not yet for %(lasting)s s."),
    "query_within": _("%(query)s: %(value)s keeps the limit (%(sign)s %(bar)s)."),
    "query_too_short": _("%(query)s: %(value)s keeps the limit (%(sign)s %(bar)s), not yet for %(lasting)s s."),
    "query_no_reading": _("%(query)s: not asked yet since this feature went on, or since somebody resumed."),
    "query_stale": _("%(query)s: not asked for two minutes; what it said says nothing of now."),
    "query_was_away": _(
        "%(query)s: its monitoring system was away a moment ago; what it gives may be from before. Wait some minutes."
    ),
    "query_no_data": _("%(query)s: no value. %(reading)s"),
    "query_not_a_number": _("%(query)s: no value. %(reading)s"),
    "query_many_series": _("%(query)s: no value. %(reading)s"),
    "query_timed_out": _("%(query)s: no value. %(reading)s"),
    "query_unreachable": _("%(query)s: no value. %(reading)s"),
    "query_refused": _("%(query)s: no value. %(reading)s"),
    "query_partial": _("%(query)s: no value. %(reading)s"),
    "query_broken": _("%(query)s: no value. %(reading)s"),
}


def say_reading(code: str, data: Mapping[str, object]) -> str:
    """Return why a query gave no value, in the language in force."""
    words = FAULTS.get(code)
    if words is not None:
        return str(words) % {"count": "?", **data}
    fault = data.get("fault")
    return say_fault(fault if isinstance(fault, str) else code, data)


def say_number(number: object) -> str:
    """Return a value or a limit with the digits that tell it from another, "—" for none."""
    if not isinstance(number, int | float):
        return "—"
    if number and not 0.01 <= abs(number) < 1e9:
        return f"{number:.4g}"
    digits = f"{number:.4f}".rstrip("0").partition(".")[2]
    return str(floatformat(number, f"{len(digits)}g"))


def say_numbers(data: Mapping[str, object]) -> dict[str, str]:
    """Return what the sentences of queries name, empty for another lane's verdict."""
    if "query" not in data:
        return {}
    reading = data.get("reading")
    told = reading if isinstance(reading, dict) else {}
    return {
        "query": str(data["query"]),
        "value": say_number(data.get("value")),
        "bar": say_number(data.get("query_limit")),
        "sign": SIGNS.get(str(data.get("comparison")), ""),
        "lasting": str(data.get("lasting_seconds", "?")),
        "reading": say_reading(str(told.get("code", "")), told) if told else "",
    }
