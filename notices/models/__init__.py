"""Notices in the tills, and problems that come from there."""

from notices.models.notices import Notice, NoticeFlag, NoticeSite
from notices.models.problems import ProblemLink, ProblemReport

__all__ = ["Notice", "NoticeFlag", "NoticeSite", "ProblemLink", "ProblemReport"]
