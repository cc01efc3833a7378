"""The state diagrams in the docs, drawn from the tables the code obeys."""

from core.domain.lifecycle import draw_mermaid
from incidents.domain import lifecycle as incident_lifecycle
from recovery.domain import lifecycle as recovery_lifecycle
from rollouts.domain import investigating
from rollouts.domain import lifecycle as rollout_lifecycle

HEAD = "# States\n\nDrawn by `manage.py diagrams` from the tables in `*/domain/lifecycle.py`; do not edit.\n"


def draw_states() -> str:
    """Return the page with every state diagram, as Markdown with Mermaid."""
    drawn = [
        ("Rollout", draw_mermaid(rollout_lifecycle.EDGES, initial=rollout_lifecycle.Status.DRAFT)),
        ("Investigation of complaints", draw_mermaid(investigating.EDGES, initial=investigating.State.OPEN)),
        ("Incident", draw_mermaid(incident_lifecycle.EDGES, initial=incident_lifecycle.Status.OPEN)),
        ("Operation", draw_mermaid(recovery_lifecycle.EDGES, initial=recovery_lifecycle.Status.QUEUED)),
        ("Restore point", draw_mermaid(recovery_lifecycle.POINT_EDGES, initial=recovery_lifecycle.PointStatus.TAKING)),
    ]
    return HEAD + "".join(f"\n## {name}\n\n```mermaid\n{diagram}```\n" for name, diagram in drawn)
