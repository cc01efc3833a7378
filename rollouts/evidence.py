"""A verdict's numbers as events and rollbacks keep them."""

from health.domain.verdict import Judgement


def evidence_of(judgement: Judgement) -> dict[str, object]:
    """Return what a verdict was based on, as JSON."""
    return {
        "verdict": str(judgement.verdict),
        "code": judgement.code,
        "flag": judgement.flag_key,
        "n": judgement.n,
        "k": judgement.k,
        "window_start": judgement.window_start.isoformat(),
        "window_end": judgement.window_end.isoformat(),
        "threshold": judgement.threshold,
        "bound_bp": judgement.bound_bp,
        "baseline_bp": judgement.baseline_bp,
        **judgement.data,
    }
