"""A drill's report as people and programs take it away: Markdown and JSON, in English, with the EXERCISE mark."""

from collections.abc import Iterator
from typing import Any

from core.markdown import write_plain
from recovery.drill_queries import find_reason
from recovery.models import Drill

MARK = "EXERCISE"


def write_json(drill: Drill) -> dict[str, Any]:
    """Return a drill as plain values: ISO 8601 moments, seconds, milliseconds."""
    return {
        "mark": MARK,
        "drill": drill.pk,
        "environment": drill.environment.key,
        "status": drill.status,
        "asked_by": drill.asked_by,
        "reason": find_reason(drill),
        "asked_at": drill.asked_at.isoformat(),
        "ended_at": drill.ended_at.isoformat() if drill.ended_at else None,
        "flags": drill.flags or [],
        "report": drill.report,
    }


def write_markdown(drill: Drill) -> str:
    """Return a drill as a page of Markdown."""
    return "\n".join(_lines(drill)) + "\n"


def _lines(drill: Drill) -> Iterator[str]:
    yield f"# {MARK}: drill {drill.pk} of {drill.environment.key}"
    yield ""
    yield f"- Result: **{drill.status}**"
    said = write_plain(f"{drill.asked_by}: {find_reason(drill)}")
    yield f"- Begun {drill.asked_at:%Y-%m-%d %H:%M} UTC by {said}"
    if drill.ended_at:
        yield f"- Ended {drill.ended_at:%Y-%m-%d %H:%M} UTC"
    yield ""
    yield "## Flags, off by their kill switch and on again"
    yield ""
    yield "| flag | off | on | as before | milliseconds |"
    yield "| --- | --- | --- | --- | --- |"
    for one in drill.flags or []:
        forced = " (a variable decides)" if one["is_forced"] else ""
        marks = " | ".join(_mark(one[name]) for name in ("is_off", "is_on", "is_back"))
        yield f"| `{one['key']}`{forced} | {marks} | {one['off_ms']} |"
    yield ""
    yield "## Targets, taken back beside production"
    yield ""
    yield "| target | result | seconds | may take | rows restored | before, median / 95 % ms | after |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for one in drill.report.get("targets", []):
        result = "good" if one["is_good"] else one["fault"] or "too slow"
        seconds = "—" if one["seconds"] is None else one["seconds"]
        rows = "—" if one["rows"] is None else one["rows"]
        speeds = f"{_speed(one['before'])} | {_speed(one['after'])}"
        yield f"| `{one['key']}` | {result} | {seconds} | {one['rto_seconds']} | {rows} | {speeds} |"


def _mark(is_so: bool) -> str:
    return "yes" if is_so else "**no**"


def _speed(told: dict[str, float] | None) -> str:
    return f"{told['median_ms']} / {told['p95_ms']}" if told else "—"
