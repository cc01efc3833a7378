"""Announcements, what was said of them, and the words they begin with: on record, read only."""

from django.contrib import admin

from announcements.models import (
    Announcement,
    AnnouncementTemplate,
    AnnouncementVersion,
    Hotline,
    OutletRun,
    UpdateReminder,
)
from core.readonlyadmin import ReadOnlyAdmin, ReadOnlyInline, UntrackedAdmin


class VersionInline(ReadOnlyInline):
    model = AnnouncementVersion
    fields = ("number", "act", "title_fr", "title_en", "note_fr", "note_en", "at", "by_label", "reason")


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    list_display = ("id", "title_fr", "title_en", "kind", "status", "environment", "publish_at", "confirmed_by")
    list_filter = ("status", "kind", "environment")
    list_select_related = ("environment", "confirmed_by")
    search_fields = ("title_fr", "title_en")
    inlines = (VersionInline,)


class RunInline(ReadOnlyInline):
    model = OutletRun


@admin.register(AnnouncementVersion)
class AnnouncementVersionAdmin(UntrackedAdmin):
    list_display = ("at", "announcement", "number", "act", "title_fr", "title_en", "by_label")
    list_filter = ("act", "at")
    list_select_related = ("announcement",)
    search_fields = ("title_fr", "title_en", "note_fr", "note_en")
    date_hierarchy = "at"
    inlines = (RunInline,)


@admin.register(OutletRun)
class OutletRunAdmin(UntrackedAdmin):
    list_display = ("version", "outlet", "status", "attempts", "next_attempt_at", "reached", "failure", "last_error")
    list_filter = ("status", "outlet")
    list_select_related = ("version",)


@admin.register(UpdateReminder)
class UpdateReminderAdmin(UntrackedAdmin):
    list_display = ("at", "announcement", "due_at")
    list_select_related = ("announcement",)


@admin.register(AnnouncementTemplate)
class AnnouncementTemplateAdmin(ReadOnlyAdmin):
    list_display = ("kind", "title_fr", "title_en")


@admin.register(Hotline)
class HotlineAdmin(ReadOnlyAdmin):
    list_display = ("environment", "phone", "hours_fr", "hours_en")
    list_select_related = ("environment",)
