"""The performance guardrail: which requests are slow, beside the usual p95 (design §5).

Where p95 is a fifth higher than usual, more than 5 % of the requests take longer than 1.2 times the usual p95. So the
lane is a share lane like the error rate, and its "errors" are the slow requests.
"""

LANE = "performance"
#: What makes a request slow: so much above the usual p95, in basis points of it ...
DEFAULT_DEGRADATION_BP = 2_000
LEAST_DEGRADATION_BP, MOST_DEGRADATION_BP = 500, 10_000
#: ... and so many milliseconds: nobody at a till feels less.
LEAST_WORSE_MS = 100.0
P95 = 0.95
#: Of the requests, by the meaning of p95.
SLOW_SHARE_BP = 500
#: A p95 of fewer requests is no baseline.
LEAST_BASELINE_REQUESTS = 2_000
#: Same weekday and hour, so many weeks back.
BASELINE_WEEKS = 4
#: Latency by the minute is kept so long: today's beside that of a week ago.
MINUTES_DAYS = 8


def get_slow_bound_ms(*, usual_p95_ms: float, degradation_bp: int) -> float:
    """Return from which latency on a request is slow, in milliseconds."""
    return max(usual_p95_ms * (1 + degradation_bp / 10_000), usual_p95_ms + LEAST_WORSE_MS)
