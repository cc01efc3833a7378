"""Incidents, their post-mortems and measures: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from incidents.models import (
    ActionItem,
    AlertIntake,
    CallBack,
    CallBackCause,
    Dossier,
    Incident,
    IncidentUpdate,
    IntakeFault,
    LinkedComplaint,
    PostMortem,
    PostMortemAuthor,
    RiskIncident,
    SourceFault,
    TimelineEntry,
)


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("id", "title", "tier", "status", "environment", "detected_at", "restored_at")
    list_filter = ("tier", "status", "environment")
    search_fields = ("title",)


@admin.register(PostMortem)
class PostMortemAdmin(ReadOnlyAdmin):
    list_display = ("incident", "status", "visibility", "root_cause", "approved_by", "published_at")
    list_filter = ("status", "visibility")


@admin.register(PostMortemAuthor)
class PostMortemAuthorAdmin(UntrackedAdmin):
    list_display = ("post_mortem", "user", "first_at")


@admin.register(ActionItem)
class ActionItemAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "status", "owner", "due_on", "done_at", "verified_by")
    list_filter = ("kind", "status")


@admin.register(TimelineEntry)
class TimelineEntryAdmin(UntrackedAdmin):
    list_display = ("incident", "at", "code", "actor_label")


@admin.register(IncidentUpdate)
class IncidentUpdateAdmin(UntrackedAdmin):
    list_display = ("incident", "at", "status", "by")
    list_filter = ("status",)


@admin.register(IntakeFault)
class IntakeFaultAdmin(UntrackedAdmin):
    list_display = ("event", "attempts", "next_attempt_at", "given_up_at", "last_error")


@admin.register(LinkedComplaint)
class LinkedComplaintAdmin(ReadOnlyAdmin):
    list_display = ("incident", "complaint", "linked_at", "linked_by")
    list_select_related = ("incident", "complaint", "linked_by")


@admin.register(AlertIntake)
class AlertIntakeAdmin(ReadOnlyAdmin):
    list_display = ("environment", "mode", "since")


@admin.register(SourceFault)
class SourceFaultAdmin(UntrackedAdmin):
    list_display = ("source", "attempts", "next_attempt_at", "given_up_at", "last_error")


@admin.register(CallBack)
class CallBackAdmin(ReadOnlyAdmin):
    list_display = ("complaint", "site", "state", "due_at", "tries", "settled_at", "settled_by")
    list_filter = ("state", "environment")
    list_select_related = ("complaint", "site", "settled_by")


@admin.register(CallBackCause)
class CallBackCauseAdmin(UntrackedAdmin):
    list_display = ("call_back", "complaint", "rollback", "incident", "at")
    list_select_related = ("call_back", "complaint", "rollback", "incident")


@admin.register(Dossier)
class DossierAdmin(UntrackedAdmin):
    list_display = ("release", "made_at", "made_by", "sha256")
    list_select_related = ("release", "made_by")


@admin.register(RiskIncident)
class RiskIncidentAdmin(ReadOnlyAdmin):
    list_display = ("risk", "incident", "kind", "linked_at", "linked_by")
    list_filter = ("kind",)
    list_select_related = ("risk", "incident", "linked_by")
