"""Procedures and what was said in them: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin
from procedures.models import Procedure, ProcedureItem, ProcedureOperation


@admin.register(Procedure)
class ProcedureAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "environment", "begun_at", "deadline_at", "done_at", "ended_at")
    list_filter = ("kind", "environment")


@admin.register(ProcedureItem)
class ProcedureItemAdmin(ReadOnlyAdmin):
    list_display = ("procedure", "code", "stage", "state", "said_by", "said_at", "proof")
    list_filter = ("state", "stage")


@admin.register(ProcedureOperation)
class ProcedureOperationAdmin(ReadOnlyAdmin):
    list_display = ("procedure", "operation")
