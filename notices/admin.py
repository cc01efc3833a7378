"""Notices and reports of problems: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from notices.models import Notice, NoticeFlag, NoticeSite, ProblemLink, ProblemReport


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("id", "__str__", "level", "environment", "starts_at", "ends_at", "taken_away_at")
    list_filter = ("level", "environment")


@admin.register(NoticeSite)
class NoticeSiteAdmin(ReadOnlyAdmin):
    list_display = ("notice", "site")
    list_select_related = ("notice", "site")


@admin.register(NoticeFlag)
class NoticeFlagAdmin(ReadOnlyAdmin):
    list_display = ("notice", "flag")
    list_select_related = ("notice", "flag")


@admin.register(ProblemLink)
class ProblemLinkAdmin(ReadOnlyAdmin):
    list_display = ("site", "environment", "created_at", "revoked_at")
    list_select_related = ("site", "environment")


@admin.register(ProblemReport)
class ProblemReportAdmin(UntrackedAdmin):
    list_display = ("complaint", "origin", "site", "till", "received_at")
    list_filter = ("origin",)
    list_select_related = ("complaint", "site")
