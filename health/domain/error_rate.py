"""The error-rate guardrail: which requests failed, of those made while the flag was on (design §5).

How a share is judged: `health.domain.share_lane`. Why: docs/explanation/guardrails.md, docs/adr/0044.
"""

LANE = "error_rate"
DEFAULT_THRESHOLD_BP = 500
#: Below 1 % every shop breaches; above 10 % a fault that lasts is what people call normal.
LEAST_THRESHOLD_BP, MOST_THRESHOLD_BP = 100, 1_000
