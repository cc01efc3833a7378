"""Writes of notices, of the links of sites, and of problems that come from the tills."""

from notices.transitions.linking import make_problem_link, revoke_problem_link
from notices.transitions.reporting import Source, report_problem
from notices.transitions.showing import NoticeWish, check_wish, correct_notice, show_notice, take_notice_away

__all__ = [
    "NoticeWish",
    "Source",
    "check_wish",
    "correct_notice",
    "make_problem_link",
    "report_problem",
    "revoke_problem_link",
    "show_notice",
    "take_notice_away",
]
