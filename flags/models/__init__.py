"""Environments, sites, people and the flags served to them.

Tables marked untracked hold counters and machine state; everything else has history.
"""

from flags.models.counters import EnvironmentRevision, PendingChange, PendingState, StateRevision, TillContact
from flags.models.flags import Criticality, Flag, FlagState, Rule
from flags.models.keys import check_key
from flags.models.people import Segment, SegmentMember
from flags.models.pictures import Picture
from flags.models.places import Environment, Site, SiteDay, Till, every_day
from flags.models.tokens import ApiToken, TokenUse

__all__ = [
    "ApiToken",
    "Criticality",
    "Environment",
    "EnvironmentRevision",
    "Flag",
    "FlagState",
    "PendingChange",
    "PendingState",
    "Picture",
    "Rule",
    "Segment",
    "SegmentMember",
    "Site",
    "SiteDay",
    "StateRevision",
    "Till",
    "TillContact",
    "TokenUse",
    "check_key",
    "every_day",
]
