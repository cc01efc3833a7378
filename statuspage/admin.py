"""The public page's settings: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from statuspage.models import Component, CopiedFile, CopyState, PublicEnvironment, StatusPage


@admin.register(StatusPage)
class StatusPageAdmin(ReadOnlyAdmin):
    list_display = ("name_fr", "name_en", "hotline", "changed_at")


@admin.register(PublicEnvironment)
class PublicEnvironmentAdmin(ReadOnlyAdmin):
    list_display = ("environment", "is_public", "shows_rollouts", "shows_maintenance", "lists_unspoken")
    list_select_related = ("environment",)


@admin.register(Component)
class ComponentAdmin(ReadOnlyAdmin):
    list_display = ("name_fr", "name_en", "environment", "kind", "position", "is_shown")
    list_filter = ("kind", "is_shown", "environment")
    list_select_related = ("environment",)
    search_fields = ("name_fr", "name_en")


@admin.register(CopiedFile)
class CopiedFileAdmin(UntrackedAdmin):
    list_display = ("place", "path", "written_at")


@admin.register(CopyState)
class CopyStateAdmin(UntrackedAdmin):
    list_display = ("place", "checked_at", "failures", "next_attempt_at", "last_error")
