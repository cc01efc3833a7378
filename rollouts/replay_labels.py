"""Words of a replay: what would have been, and what really was."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.templatetags.portal import moment
from health.domain.guardrail import SHARE_LANES, Act
from health.domain.replay import Kind, Line
from health.labels import ACTS, say_judgement
from health.models import Decision

#: By what it would have done first.
WOULD: Mapping[Act, str | Promise] = {
    Act.OBSERVED: _("With %(limit)s it would have noted %(flag)s on %(at)s, %(minutes)s min after the first errors."),
    Act.INVESTIGATE: _(
        "With %(limit)s it would have asked people to look into %(flag)s on %(at)s, "
        "%(minutes)s min after the first errors."
    ),
    Act.COOLING: _("With %(limit)s it would have left %(flag)s alone on %(at)s: it had just held."),
    Act.HELD: _("With %(limit)s it would have held %(flag)s on %(at)s, %(minutes)s min after the first errors."),
    Act.ROLLED_BACK: _(
        "With %(limit)s it would have rolled %(flag)s back on %(at)s, %(minutes)s min after the first errors."
    ),
}

#: Of lanes without a limit, by what they would have done first.
WOULD_WITHOUT: Mapping[Act, str | Promise] = {
    Act.OBSERVED: _("It would have noted %(flag)s on %(at)s."),
    Act.INVESTIGATE: _("It would have asked people to look into %(flag)s on %(at)s."),
    Act.COOLING: _("It would have left %(flag)s alone on %(at)s: it had just held."),
    Act.HELD: _("It would have held %(flag)s on %(at)s."),
    Act.ROLLED_BACK: _("It would have rolled %(flag)s back on %(at)s."),
}

#: What is not recorded of a lane, so that a replay cannot tell.
UNRECORDED: Mapping[str, str | Promise] = {
    "alert": _(
        "Alerts are kept as they were said last: since when they were received, their severity, their end. Whether "
        "the monitoring was alive at each moment is not kept: this says what would have fired, never that all was well."
    ),
    "critical": _(
        "This lane has nothing to set: it always takes the flag back. This runs it as it is today over the samples "
        "that are kept."
    ),
}

KINDS: Mapping[str, str | Promise] = {
    "suspected": _("… suspected"),
    "breach": _("▲ breach while it did not run"),
    "silent": _("… nothing to judge"),
    "ended": _("○ really went off"),
}


def say_firing(line: Line | None, *, flag: str, limit: str) -> str:
    """Return what would have happened first to a flag."""
    if not limit:
        return _say_without_limit(line, flag=flag)
    if line is None or line.act is None:
        return gettext("With %(limit)s nothing would have happened to %(flag)s.") % {"limit": limit, "flag": flag}
    numbers = {"limit": limit, "flag": flag, "at": moment(line.at), "minutes": line.minutes or 0}
    return str(WOULD[line.act]) % numbers


def _say_without_limit(line: Line | None, *, flag: str) -> str:
    if line is None or line.act is None:
        return gettext("Nothing would have happened to %(flag)s.") % {"flag": flag}
    return str(WOULD_WITHOUT[line.act]) % {"flag": flag, "at": moment(line.at)}


def say_real(decision: Decision | None) -> str:
    """Return what was really decided first on a flag."""
    if decision is None:
        return gettext("Really: nothing was decided.")
    words = ACTS.get(decision.act, decision.act)
    if decision.lane not in SHARE_LANES:
        return gettext("Really: %(act)s on %(at)s.") % {"act": words, "at": moment(decision.at)}
    return gettext("Really: %(act)s on %(at)s, with %(limit)s.") % {
        "act": words,
        "at": moment(decision.at),
        "limit": decision.threshold,
    }


def say_head(line: Line) -> str:
    """Return what a line is, in a word."""
    return str(ACTS.get(str(line.act), line.act)) if line.act else str(KINDS.get(line.kind, line.kind))


def say_line(line: Line) -> str:
    """Return a line's sentence."""
    if line.kind is Kind.ENDED:
        return gettext("Taken back or ended: what it would have said later nobody knows.")
    if line.judgement is None:
        return ""
    found = line.judgement
    said = say_judgement(
        code=found.code, n=found.n, k=found.k, data=found.data, bound_bp=found.bound_bp, baseline_bp=found.baseline_bp
    )
    if line.kind is Kind.SILENT and line.until is not None:
        ended = gettext("It lasted until %(until)s.") % {"until": moment(line.until)}
        return f"{said} {ended}"
    return said


def say_limit(lane: str, limit_bp: int) -> str:
    """Return a limit as a share, as verdicts write it; empty where the lane has none."""
    if lane not in SHARE_LANES:
        return ""
    return f"{'' if lane == 'error_rate' else '+'}{limit_bp / 100:g} %"
