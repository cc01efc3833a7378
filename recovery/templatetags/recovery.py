"""Words for operations and what they prove."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext, ngettext

from recovery.domain.ranges import say_ranges
from recovery.labels import AMCHECK, SKIPPED
from recovery.models import OperationStep

register = template.Library()


@register.filter
def seconds_of(step: OperationStep, now: datetime | None = None) -> str:
    """Return how long a step took, e.g. "3.2 s" or "2 min 5 s"; empty before it ended."""
    if step.started_at is None or step.ended_at is None:
        return ""
    return say_seconds((step.ended_at - step.started_at).total_seconds())


@register.filter
def say_seconds(seconds: float | None) -> str:
    """Return a time as people say it, e.g. "3.2 s" or "2 min 5 s"."""
    if seconds is None:
        return ""
    if seconds < 60:
        return gettext("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    minutes, rest = divmod(round(seconds), 60)
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
def prove(step: OperationStep) -> str:
    """Return the line that proves a step, empty where its name says all."""
    return " · ".join(_prove(step.proof))


def _prove(proof: Mapping[str, Any]) -> list[str]:
    said: list[str] = []
    if "skipped" in proof:
        return [str(SKIPPED.get(proof["skipped"], proof["skipped"]))]
    if proof.get("sha256"):
        said.append(f"SHA-256 {proof['sha256'][:12]}…")
    if proof.get("size_bytes"):
        said.append(filesizeformat(proof["size_bytes"]))
    if isinstance(proof.get("rows"), int):
        said.append(ngettext("%(n)s row", "%(n)s rows", proof["rows"]) % {"n": proof["rows"]})
    if proof.get("receipts"):
        said.append(gettext("receipts %(numbers)s") % {"numbers": receipts(proof["receipts"])})
    if proof.get("amcheck"):
        said.append(str(AMCHECK[proof["amcheck"]]))
    said += [str(proof[name]) for name in ("kept", "file", "image", "said") if proof.get(name)]
    return said
