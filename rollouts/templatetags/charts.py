"""Charts and their words: `{{ plot|figure }}`, `{{ tick|tick_label:span }}`, `{{ row.value|amount:plot.figure }}`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext

from core.domain.plot import Span, Tick
from core.templatetags.portal import short_day
from flags.current import get_current_environment
from health.labels import LANES
from rollouts.chart_labels import FIGURES, MARKS, OUTCOMES, TRIGGERS
from rollouts.chart_marks import Happening
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.domain.validation import Verdict
from rollouts.labels import HELD
from rollouts.models import Rollout
from rollouts.plots import Figure, Plot
from rollouts.story_words import say_event

register = template.Library()

A_DAY = timedelta(days=1)
#: Above so many milliseconds they are told in seconds.
A_SECOND = 1_000
MOST_LINKS = 10


@register.filter
def figure(plot: Plot) -> str:
    """Return what a chart shows, with its transaction."""
    words = str(FIGURES[plot.figure])
    if plot.figure is not Figure.P95:
        return words
    return f"{words} · {say_transaction(plot.transaction)}"


@register.filter
def say_transaction(name: str) -> str:
    """Return a transaction's name, words for those without one."""
    return name or gettext("other requests")


@register.filter
def amount(value: float | None, kind: str) -> str:
    """Return a chart's value with its unit: percent, milliseconds or a count; "not reported" where it is None."""
    if value is None:
        return gettext("not reported")
    if kind == Figure.ERRORS:
        return gettext("%(n)s %%") % {"n": number_format(value, 2 if 0 < value < 1 else 1)}
    if kind == Figure.P95:
        return milliseconds(value)
    return number_format(value, 0, use_l10n=True, force_grouping=True)


@register.filter
def milliseconds(value: float | None) -> str:
    """Return a response time: "430 ms", "1.25 s"."""
    if value is None:
        return gettext("not known")
    if value >= A_SECOND:
        return gettext("%(n)s s") % {"n": number_format(value / A_SECOND, 2)}
    return gettext("%(n)s ms") % {"n": number_format(value, 0)}


@register.filter
def percent_of(basis_points: int | None) -> str:
    """Return basis points as percent, "not known" for None."""
    if basis_points is None:
        return gettext("not known")
    return gettext("%(n)s %%") % {"n": number_format(basis_points / 100, 2)}


@register.filter
def change(basis_points: int | None) -> str:
    """Return a change in percent with its sign, "not known" for None."""
    if basis_points is None:
        return gettext("not known")
    return gettext("%(n)s %%") % {"n": f"{'+' if basis_points > 0 else ''}{number_format(basis_points / 100, 1)}"}


@register.filter
def points(basis_points: int | None) -> str:
    """Return a difference of two shares in percentage points, "not known" for None."""
    if basis_points is None:
        return gettext("not known")
    sign = "+" if basis_points > 0 else ""
    return gettext("%(n)s points") % {"n": f"{sign}{number_format(basis_points / 100, 2)}"}


@register.filter
def tick_label(tick: Tick, span: Span) -> str:
    """Return a tick's words: the hour within a day, else the day, with the hour where it is not midnight."""
    at_midnight = (tick.local.hour, tick.local.minute) == (0, 0)
    if at_midnight:
        return short_day(tick.local)
    if span.length > 3 * A_DAY:
        return f"{short_day(tick.local)} {tick.local:%H:%M}"
    return f"{tick.local:%H:%M}"


@register.filter
def sign(name: str) -> str:
    """Return a mark's sign."""
    return MARKS[name][0]


@register.filter
def outcome_tone(verdict: Verdict) -> str:
    """Return the tone of a verdict's pill."""
    return OUTCOMES[verdict][0]


@register.filter
def outcome(verdict: Verdict) -> Any:
    """Return a verdict in words, with its sign."""
    return OUTCOMES[verdict][1]


@register.filter
def happened(one: Happening, flag_names: Mapping[str, str]) -> str:
    """Return what happened as a sentence; what a guardrail said has its own."""
    if one.event:
        return say_event(kind=one.event.kind, data=one.event.data)
    if one.flags == 1:
        return gettext("%(flag)s on for %(steps)s more") % {
            "flag": flag_names.get(one.flag_key, one.flag_key),
            "steps": one.steps,
        }
    return gettext("%(flags)s flags on, %(steps)s changes") % {"flags": one.flags, "steps": one.steps}


@register.filter
def trigger(code: str) -> str:
    """Return which guardrail or what else stopped it."""
    if code in LANES:
        return str(LANES[code])
    return str(TRIGGERS.get(code) or HELD.get(code) or code)


@register.inclusion_tag("rollouts/_chart_links.html", takes_context=True)
def chart_links(context: Any) -> dict[str, Any]:
    """Link to the charts of the rollouts under way where the person looks."""
    environment = get_current_environment(context["request"])
    rows = Rollout.objects.filter(environment=environment, status__in=UNDER_WAY).select_related(
        "release", "environment"
    )
    return {"rollouts": list(rows[:MOST_LINKS])}
