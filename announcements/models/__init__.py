"""Announcements, what was said of them, and the words they begin with."""

from announcements.models.announcements import LONGEST_BODY, LONGEST_NOTE, LONGEST_TITLE, Announcement
from announcements.models.templates import AnnouncementTemplate, Hotline
from announcements.models.versions import AnnouncementVersion, OutletRun, UpdateReminder

__all__ = [
    "LONGEST_BODY",
    "LONGEST_NOTE",
    "LONGEST_TITLE",
    "Announcement",
    "AnnouncementTemplate",
    "AnnouncementVersion",
    "Hotline",
    "OutletRun",
    "UpdateReminder",
]
