"""The state diagrams in the docs, drawn from the tables the code obeys."""

from announcements.domain import lifecycle as announcement_lifecycle
from core.domain.lifecycle import draw_mermaid
from incidents.domain import calling_back, measuring, reviewing
from incidents.domain import lifecycle as incident_lifecycle
from recovery.domain import lifecycle as recovery_lifecycle
from rollouts.domain import investigating, risks
from rollouts.domain import lifecycle as rollout_lifecycle

HEAD = "# States\n\nDrawn by `manage.py diagrams` from the tables in `*/domain/lifecycle.py`; do not edit.\n"


def draw_states() -> str:
    """Return the page with every state diagram, as Markdown with Mermaid."""
    drawn = [
        ("Rollout", draw_mermaid(rollout_lifecycle.EDGES, initial=rollout_lifecycle.Status.DRAFT)),
        ("Investigation of complaints", draw_mermaid(investigating.EDGES, initial=investigating.State.OPEN)),
        ("Risk", draw_mermaid(risks.EDGES, initial=risks.RiskState.OPEN)),
        ("Incident", draw_mermaid(incident_lifecycle.EDGES, initial=incident_lifecycle.Status.OPEN)),
        ("Post-mortem", draw_mermaid(reviewing.EDGES, initial=reviewing.Stage.DRAFT)),
        ("Measure", draw_mermaid(measuring.EDGES, initial=measuring.MeasureState.OPEN)),
        ("Announcement", draw_mermaid(announcement_lifecycle.EDGES, initial=announcement_lifecycle.Status.DRAFT)),
        ("Call back", draw_mermaid(calling_back.EDGES, initial=calling_back.CallState.DUE)),
        ("Operation", draw_mermaid(recovery_lifecycle.EDGES, initial=recovery_lifecycle.Status.QUEUED)),
        ("Restore point", draw_mermaid(recovery_lifecycle.POINT_EDGES, initial=recovery_lifecycle.PointStatus.TAKING)),
    ]
    return HEAD + "".join(f"\n## {name}\n\n```mermaid\n{diagram}```\n" for name, diagram in drawn)
