"""Flags, the places and people they are served to, and tokens: on record, read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, ReadOnlyInline, UntrackedAdmin
from flags.models import (
    ApiToken,
    Environment,
    EnvironmentRevision,
    Flag,
    FlagState,
    Picture,
    Rule,
    Segment,
    SegmentMember,
    Site,
    SiteDay,
    Till,
    TokenUse,
)


class StateInline(ReadOnlyInline):
    model = FlagState


class RuleInline(ReadOnlyInline):
    model = Rule


class TillInline(ReadOnlyInline):
    model = Till


class SiteDayInline(ReadOnlyInline):
    model = SiteDay


class MemberInline(ReadOnlyInline):
    model = SegmentMember


@admin.register(Environment)
class EnvironmentAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "position", "is_production", "required_approvals")
    search_fields = ("key", "name")


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "city", "time_zone", "opening_weekdays", "phone", "contact_name")
    list_filter = ("city",)
    search_fields = ("key", "name", "city", "contact_name", "backup_name")
    inlines = (TillInline, SiteDayInline)


@admin.register(Till)
class TillAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "site")
    list_filter = ("site",)
    list_select_related = ("site",)
    search_fields = ("key", "name")


@admin.register(SiteDay)
class SiteDayAdmin(ReadOnlyAdmin):
    list_display = ("label", "site", "kind", "starts_on", "ends_on")
    list_filter = ("kind", "site")
    list_select_related = ("site",)
    search_fields = ("label", "site__name")


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    list_display = ("name", "key", "description")
    search_fields = ("key", "name")
    inlines = (MemberInline,)


@admin.register(SegmentMember)
class SegmentMemberAdmin(ReadOnlyAdmin):
    list_display = ("label", "targeting_key", "segment", "site")
    list_filter = ("segment", "site")
    list_select_related = ("segment", "site")
    search_fields = ("label", "targeting_key")


@admin.register(Flag)
class FlagAdmin(ReadOnlyAdmin):
    list_display = ("key", "name", "owner", "criticality", "expires_on", "is_permanent", "archived_at")
    list_filter = ("criticality", "owner", "is_permanent", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("key", "name", "description", "owner")
    inlines = (StateInline,)


@admin.register(FlagState)
class FlagStateAdmin(ReadOnlyAdmin):
    list_display = ("flag", "environment", "is_on", "killed_at", "kill_reason")
    list_filter = ("environment", "is_on", ("killed_at", admin.EmptyFieldListFilter))
    list_select_related = ("flag", "environment")
    search_fields = ("flag__key", "flag__name", "kill_reason")
    inlines = (RuleInline,)


@admin.register(Rule)
class RuleAdmin(ReadOnlyAdmin):
    list_display = ("state", "position", "kind", "segment", "site", "variant", "phase", "origin", "since")
    list_filter = ("state__environment", "kind", "site", "segment", "phase")
    list_select_related = ("state", "segment", "site")
    search_fields = ("state__flag__key", "origin")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "environment", "purpose", "created_at", "revoked_at")
    list_filter = ("environment", "purpose", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("environment",)
    search_fields = ("name", "prefix")
    hidden_fields = ("token_hash",)


@admin.register(TokenUse)
class TokenUseAdmin(UntrackedAdmin):
    list_display = ("token", "last_used_at")
    list_select_related = ("token",)
    search_fields = ("token__name",)


@admin.register(EnvironmentRevision)
class EnvironmentRevisionAdmin(UntrackedAdmin):
    list_display = ("environment", "revision", "changed_at")
    list_select_related = ("environment",)


@admin.register(Picture)
class PictureAdmin(UntrackedAdmin):
    list_display = ("key", "width", "height")
    search_fields = ("key",)
    hidden_fields = ("content",)
