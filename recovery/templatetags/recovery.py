"""Words for operations and what they prove."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, ngettext

from core.roles import Capability, can
from core.templatetags.portal import civil_day, moment
from recovery.domain.drills import sum_rollback
from recovery.domain.lifecycle import Kind, Status
from recovery.domain.ranges import say_ranges
from recovery.labels import AMCHECK, DRILL_FAULTS, SKIPPED, STATUSES, WAITS_FOR_MANAGER
from recovery.models import Operation, OperationStep
from recovery.readiness_queries import TargetLight

register = template.Library()
MINUTE = 60


@register.filter
def seconds_of(step: OperationStep, now: datetime | None = None) -> str:
    """Return how long a step took, e.g. "3.2 s" or "2 min 5 s"; empty before it ended."""
    if step.started_at is None or step.ended_at is None:
        return ""
    return say_seconds((step.ended_at - step.started_at).total_seconds())


@register.filter
def say_seconds(seconds: float | None) -> str:
    """Return a time as people say it, e.g. "3.2 s", "2 min 5 s" or "5 min"."""
    if seconds is None:
        return ""
    if round(seconds, 1) < MINUTE:
        return gettext("%(seconds)s s") % {"seconds": number_format(round(seconds, 1), 1)}
    return say_about(seconds)


@register.filter
def say_about(seconds: float) -> str:
    """Return a time in whole seconds, one at least, as estimates are told: "8 s", "2 min 5 s", "5 min"."""
    minutes, rest = divmod(max(round(seconds), 1), MINUTE)
    if not minutes:
        return gettext("%(seconds)s s") % {"seconds": rest}
    if not rest:
        return gettext("%(minutes)s min") % {"minutes": minutes}
    return gettext("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}


@register.filter
def percent(basis_points: int) -> int:
    """Return basis points as whole per cent."""
    return basis_points // 100


@register.filter
def receipts(stretches: list[list[int]]) -> str:
    """Return lost receipt numbers as people write them: `7, 9-12`."""
    return say_ranges([(first, last) for first, last in stretches])


@register.filter
def reasons(row: TargetLight) -> str:
    """Return why a target's light is as it is, e.g. "restore point of 05:58, verified · 3 min 40 s the last time"."""
    return " · ".join(_say_reason(one.code, row) for one in row.readiness.reasons)


@register.filter
def drill_fault(code: str) -> str:
    """Return why a target of a drill was not tried or did not end well."""
    return str(DRILL_FAULTS.get(code) or gettext("it failed: see its operation"))


def _say_reason(code: str, row: TargetLight) -> str:
    facts = row.facts
    words = {
        "blocked": gettext("operation %(number)s stands still there") % {"number": facts.blocked_by},
        "no_point": gettext("no verified restore point"),
        "point_verified": gettext("restore point of %(when)s, verified") % {"when": moment(facts.point_at)},
        "point_old": gettext("the newest restore point is of %(when)s") % {"when": moment(facts.point_at)},
        "never_deployed": gettext("the portal has deployed nothing there: flags and database only"),
        "image_known": gettext("the image before is known"),
        "no_image": gettext("no image to go back to"),
        "never_timed": gettext("never tried here: do it once before it burns"),
    }
    if code in words:
        return words[code]
    took = {"time": say_timed(facts.needed_seconds, facts.timed_by, facts.timed_at)}
    took["rto"] = say_about(facts.rto_seconds)
    if code == "in_time":
        return gettext("%(time)s, of %(rto)s") % took
    return gettext("%(time)s: more than the %(rto)s aimed at") % took


def say_timed(seconds: float | None, kind: str, at: datetime | None) -> str:
    """Return how long going back takes, and by what: "about 8 s by the drill of Fri 27 Nov"."""
    told = {"time": say_about(seconds or 0), "day": civil_day(timezone.localtime(at).date() if at else None)}
    if kind == Kind.DRILL:
        return gettext("about %(time)s by the drill of %(day)s") % told
    return gettext("about %(time)s by the rollback of %(day)s") % told


@register.filter
def by_timed(operation: Operation) -> str:
    """Return how long going back takes by an operation that did it."""
    return say_timed(sum_rollback(operation.state.get("steps", ())), operation.kind, operation.ended_at)


@register.filter
def status_for(operation: Operation, user: Any) -> str:
    """Return how an operation stands, in the words for a person: only who may answer is asked for an answer."""
    if operation.status == Status.WAITING and not can(user, Capability.OPERATE_TARGETS):
        return str(WAITS_FOR_MANAGER)
    return str(STATUSES.get(operation.status, operation.status))


@register.filter
def prove(step: OperationStep) -> str:
    """Return the line that proves a step, empty where its name says all."""
    return " · ".join(_prove(step.proof))


def _prove(proof: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    if "skipped" in proof:
        return [str(SKIPPED.get(proof["skipped"], proof["skipped"]))]
    if proof.get("sha256"):
        said.append(gettext("fingerprint (SHA-256) %(hash)s…") % {"hash": proof["sha256"][:12]})
    if proof.get("size_bytes"):
        said.append(filesizeformat(proof["size_bytes"]))
    if isinstance(proof.get("rows"), int):
        rows = number_format(proof["rows"], 0, force_grouping=True)
        said.append(ngettext("%(n)s row", "%(n)s rows", proof["rows"]) % {"n": rows})
    if proof.get("receipts"):
        said.append(gettext("receipts %(numbers)s") % {"numbers": receipts(proof["receipts"])})
    if proof.get("checks"):
        number = len(proof["checks"])
        said.append(ngettext("%(n)s check of your own", "%(n)s checks of your own", number) % {"n": number})
    # What was not done is told apart, folded.
    if proof.get("amcheck") in {"passed", "failed"}:
        said.append(str(AMCHECK[proof["amcheck"]]))
    said += [str(proof[name]) for name in ("kept", "file", "image", "said") if proof.get(name)]
    return said
