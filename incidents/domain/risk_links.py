"""What an incident has to do with a risk."""

from enum import StrEnum


class RiskLink(StrEnum):
    """RAISED: the risk was written down because of it. CASE: the risk was known, and came true."""

    RAISED = "raised"
    CASE = "case"
