"""Writes of announcements."""

from announcements.transitions.drafting import Content, create_draft, edit_draft
from announcements.transitions.hotlines import set_hotline
from announcements.transitions.publishing import (
    begin_scheduled,
    correct_announcement,
    give_back,
    publish_announcement,
    schedule_announcement,
    unschedule_announcement,
    withdraw_announcement,
)
from announcements.transitions.running import note_failure, run_outlet, settle_version, try_outlet_again
from announcements.transitions.templating import edit_template, install_templates, restore_template

__all__ = [
    "Content",
    "begin_scheduled",
    "correct_announcement",
    "create_draft",
    "edit_draft",
    "edit_template",
    "give_back",
    "install_templates",
    "note_failure",
    "publish_announcement",
    "restore_template",
    "run_outlet",
    "schedule_announcement",
    "set_hotline",
    "settle_version",
    "try_outlet_again",
    "unschedule_announcement",
    "withdraw_announcement",
]
