"""Releases, rollouts, their steps, rollbacks and story: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, ReadOnlyInline, UntrackedAdmin
from rollouts.models import (
    Approval,
    CalendarFeed,
    CalendarFeedUse,
    CheckItem,
    Feedback,
    FreezeWindow,
    Investigation,
    Phase,
    PlanTemplate,
    PlanTemplateVersion,
    Release,
    ReleaseFlag,
    Risk,
    RiskFlag,
    RiskRelease,
    RiskReview,
    Rollback,
    RollbackFlag,
    Rollout,
    RolloutEvent,
    RolloutFlag,
    RolloutSite,
    SchedulerHeartbeat,
    Step,
    SupportShift,
)

_ROLLOUT = ("rollout__release", "rollout__environment")


class ReleaseFlagInline(ReadOnlyInline):
    model = ReleaseFlag


class RolloutFlagInline(ReadOnlyInline):
    model = RolloutFlag


class RolloutSiteInline(ReadOnlyInline):
    model = RolloutSite


class PhaseInline(ReadOnlyInline):
    model = Phase


class RollbackFlagInline(ReadOnlyInline):
    model = RollbackFlag


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    list_display = ("version", "name", "image")
    search_fields = ("version", "name", "image")
    inlines = (ReleaseFlagInline,)


@admin.register(ReleaseFlag)
class ReleaseFlagAdmin(ReadOnlyAdmin):
    list_display = ("release", "position", "flag")
    list_filter = ("release",)
    list_select_related = ("release", "flag")
    search_fields = ("flag__key", "release__version")


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    list_display = ("release", "environment", "status", "attempt", "is_rehearsal", "start_at", "created_by")
    list_filter = ("status", "environment", "is_rehearsal", "release")
    list_select_related = ("release", "environment", "created_by")
    search_fields = ("release__version", "environment__key")
    date_hierarchy = "start_at"
    inlines = (RolloutFlagInline, RolloutSiteInline, PhaseInline)


@admin.register(PlanTemplate)
class PlanTemplateAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "number", "archived_at")
    list_filter = (("archived_at", admin.EmptyFieldListFilter),)
    search_fields = ("name", "key")


@admin.register(PlanTemplateVersion)
class PlanTemplateVersionAdmin(UntrackedAdmin):
    list_display = ("template", "number", "created_at", "created_by", "reason")
    list_filter = ("template",)
    list_select_related = ("template", "created_by")
    search_fields = ("template__key", "template__name", "reason")
    date_hierarchy = "created_at"


@admin.register(RolloutFlag)
class RolloutFlagAdmin(ReadOnlyAdmin):
    list_display = ("rollout", "position", "flag", "is_active", "rolled_back_at", "acknowledged_at")
    list_filter = ("environment", "is_active", ("rolled_back_at", admin.EmptyFieldListFilter))
    list_select_related = (*_ROLLOUT, "flag")
    search_fields = ("flag__key", "rollout__release__version")


@admin.register(RolloutSite)
class RolloutSiteAdmin(ReadOnlyAdmin):
    list_display = ("rollout", "position", "site")
    list_filter = ("site",)
    list_select_related = (*_ROLLOUT, "site")


@admin.register(Phase)
class PhaseAdmin(ReadOnlyAdmin):
    list_display = ("rollout", "position", "kind", "status", "starts_at", "ends_at", "gate_waived")
    list_filter = ("kind", "status", "gate_waived")
    list_select_related = _ROLLOUT


@admin.register(Approval)
class ApprovalAdmin(UntrackedAdmin):
    list_display = ("decided_at", "rollout", "phase", "decision", "decided_by", "comment")
    list_filter = ("decision", "rollout__environment")
    list_select_related = (*_ROLLOUT, "phase__rollout", "decided_by")
    search_fields = ("comment", "rollout__release__version")
    date_hierarchy = "decided_at"


@admin.register(Feedback)
class FeedbackAdmin(UntrackedAdmin):
    """The words (FeedbackText) are personal data with a retention of their own: the rollout's page shows them."""

    list_display = ("received_at", "rollout", "attempt", "day", "targeting_key", "rating", "flag")
    list_filter = ("rating", "flag", "rollout__environment")
    list_select_related = (*_ROLLOUT, "flag")
    search_fields = ("targeting_key", "rollout__release__version")
    date_hierarchy = "received_at"


@admin.register(SupportShift)
class SupportShiftAdmin(ReadOnlyAdmin):
    list_display = ("starts_on", "ends_on", "name", "phone", "site", "hours")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("name", "phone")
    date_hierarchy = "starts_on"


@admin.register(CalendarFeed)
class CalendarFeedAdmin(ReadOnlyAdmin):
    list_display = ("name", "person", "environment", "created_at", "revoked_at")
    list_filter = ("environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("person", "environment")
    search_fields = ("name", "person__username")
    hidden_fields = ("secret_hash",)


@admin.register(CalendarFeedUse)
class CalendarFeedUseAdmin(UntrackedAdmin):
    list_display = ("feed", "last_used_at")
    list_select_related = ("feed__person",)
    search_fields = ("feed__name", "feed__person__username")


@admin.register(CheckItem)
class CheckItemAdmin(ReadOnlyAdmin):
    list_display = ("phase", "position", "text", "done_at", "done_by", "proof")
    list_filter = (("done_at", admin.EmptyFieldListFilter),)
    list_select_related = ("phase__rollout", "done_by")
    search_fields = ("text", "proof")


@admin.register(Step)
class StepAdmin(ReadOnlyAdmin):
    list_display = ("due_at", "rollout", "flag", "audience_kind", "segment", "site", "status", "done_at")
    list_filter = ("status", "audience_kind", "site", "rollout__environment")
    list_select_related = (*_ROLLOUT, "flag", "segment", "site")
    search_fields = ("flag__key", "rollout__release__version")
    date_hierarchy = "due_at"


@admin.register(FreezeWindow)
class FreezeWindowAdmin(ReadOnlyAdmin):
    list_display = ("starts_on", "ends_on", "environment", "label", "set_by", "set_at", "reason")
    list_filter = ("environment",)
    list_select_related = ("environment",)
    search_fields = ("label", "reason", "set_by")
    date_hierarchy = "starts_on"


@admin.register(Investigation)
class InvestigationAdmin(ReadOnlyAdmin):
    list_display = ("opened_at", "rollout", "code", "status", "owner", "deadline_at", "ended_at", "conclusion")
    list_filter = ("status", "code", "rollout__environment")
    list_select_related = (*_ROLLOUT, "owner")
    search_fields = ("conclusion", "rollout__release__version")
    date_hierarchy = "opened_at"


class RiskReleaseInline(ReadOnlyInline):
    model = RiskRelease


class RiskFlagInline(ReadOnlyInline):
    model = RiskFlag


@admin.register(Risk)
class RiskAdmin(ReadOnlyAdmin):
    list_display = ("title", "category", "likelihood", "impact", "state", "owner", "review_on")
    list_filter = ("category", "state", "likelihood", "impact")
    list_select_related = ("owner",)
    search_fields = ("title", "description", "mitigation")
    inlines = (RiskReleaseInline, RiskFlagInline)


@admin.register(RiskRelease)
class RiskReleaseAdmin(ReadOnlyAdmin):
    list_display = ("risk", "release")
    list_select_related = ("risk", "release")
    search_fields = ("risk__title", "release__version")


@admin.register(RiskFlag)
class RiskFlagAdmin(ReadOnlyAdmin):
    list_display = ("risk", "flag")
    list_select_related = ("risk", "flag")
    search_fields = ("risk__title", "flag__key")


@admin.register(RiskReview)
class RiskReviewAdmin(UntrackedAdmin):
    list_display = ("reviewed_at", "risk", "rollout", "likelihood", "impact", "reviewed_by", "words")
    list_filter = ("rollout__environment",)
    list_select_related = ("risk", *_ROLLOUT, "reviewed_by")
    search_fields = ("risk__title", "words")
    date_hierarchy = "reviewed_at"


@admin.register(Rollback)
class RollbackAdmin(ReadOnlyAdmin):
    list_display = ("contained_at", "rollout", "scope", "trigger", "triggered_by", "reason")
    list_filter = ("trigger", "scope", "rollout__environment")
    list_select_related = _ROLLOUT
    search_fields = ("reason", "triggered_by", "rollout__release__version")
    date_hierarchy = "contained_at"
    inlines = (RollbackFlagInline,)


@admin.register(RollbackFlag)
class RollbackFlagAdmin(ReadOnlyAdmin):
    list_display = ("rollback", "rollout", "flag", "attempt", "is_automatic")
    list_filter = ("is_automatic",)
    list_select_related = ("rollback", *_ROLLOUT, "flag")
    search_fields = ("flag__key",)


@admin.register(RolloutEvent)
class RolloutEventAdmin(UntrackedAdmin):
    list_display = ("at", "rollout", "kind", "actor_kind", "actor_label", "reason")
    list_filter = ("kind", "actor_kind", "rollout__environment")
    list_select_related = _ROLLOUT
    search_fields = ("reason", "actor_label", "rollout__release__version")
    date_hierarchy = "at"


@admin.register(SchedulerHeartbeat)
class SchedulerHeartbeatAdmin(UntrackedAdmin):
    list_display = ("beat_at",)
