"""Targets, operations, restore points and deployments: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from recovery.models import Deployment, Drill, Operation, OperationStep, RestorePoint, SchemaMigration, Target


@admin.register(Target)
class TargetAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "environment", "site", "host", "project", "database", "retired_at")
    list_filter = ("environment",)
    search_fields = ("key", "name")


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "target", "status", "is_exercise", "asked_by", "asked_at", "ended_at")
    list_filter = ("kind", "status", "target")


@admin.register(OperationStep)
class OperationStepAdmin(UntrackedAdmin):
    list_display = ("operation", "position", "code", "status", "attempts", "started_at", "ended_at")


@admin.register(RestorePoint)
class RestorePointAdmin(ReadOnlyAdmin):
    list_display = ("id", "target", "taken_at", "status", "label", "is_kept", "size_bytes", "version")
    list_filter = ("status", "target")
    search_fields = ("label",)


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = ("target", "version", "previous_version", "asked_at", "live_at", "rolled_back_at")
    list_filter = ("target",)


@admin.register(SchemaMigration)
class SchemaMigrationAdmin(ReadOnlyAdmin):
    list_display = ("version", "name", "declared", "found", "rehearsed_at")
    list_filter = ("version", "found")
    search_fields = ("version", "name")


@admin.register(Drill)
class DrillAdmin(ReadOnlyAdmin):
    list_display = ("id", "environment", "status", "is_scheduled", "asked_by", "asked_at", "ended_at")
    list_filter = ("environment", "status")
