"""Incidents, their post-mortems and measures: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from incidents.models import ActionItem, Incident, IntakeFault, PostMortem, TimelineEntry


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("id", "title", "tier", "status", "environment", "detected_at", "restored_at")
    list_filter = ("tier", "status", "environment")
    search_fields = ("title",)


@admin.register(PostMortem)
class PostMortemAdmin(ReadOnlyAdmin):
    list_display = ("incident", "root_cause")


@admin.register(ActionItem)
class ActionItemAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "owner", "due_on", "done_at")
    list_filter = ("kind",)


@admin.register(TimelineEntry)
class TimelineEntryAdmin(UntrackedAdmin):
    list_display = ("incident", "at", "code", "actor_label")


@admin.register(IntakeFault)
class IntakeFaultAdmin(UntrackedAdmin):
    list_display = ("event", "attempts", "next_attempt_at", "given_up_at", "last_error")
