"""What the fleet and its people reported and how it was judged: on record, read only.

The complaints' words and names (ComplaintText) are personal data with a retention of their own
and stay out of the records; the portal's complaint pages show them.
"""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, UntrackedAdmin
from health.models import (
    Alert,
    AlertSource,
    Baseline,
    Complaint,
    Decision,
    ForgottenSource,
    Guardrail,
    OtlpSeries,
    PrometheusPull,
    PrometheusSource,
    QueryGuardrail,
    QueryReading,
    QueryWatch,
    Sample,
    SentryHook,
    StoredVerdict,
)


@admin.register(Complaint)
class ComplaintAdmin(ReadOnlyAdmin):
    list_display = ("logged_at", "environment", "site", "flag", "severity", "status", "logged_by")
    list_filter = ("environment", "site", "severity", "status")
    list_select_related = ("environment", "site", "flag", "logged_by")
    search_fields = ("flag__key", "site__key", "site__name")
    date_hierarchy = "logged_at"


@admin.register(StoredVerdict)
class StoredVerdictAdmin(UntrackedAdmin):
    list_display = ("at", "subject", "epoch", "lane", "environment_key", "flag_key", "verdict", "n", "k", "code")
    list_filter = ("verdict", "lane", "environment_key", "flag_key")
    search_fields = ("subject", "flag_key", "code")
    date_hierarchy = "at"


@admin.register(Guardrail)
class GuardrailAdmin(ReadOnlyAdmin):
    list_display = ("environment", "lane", "flag", "mode", "scope", "threshold_bp", "most_a_day", "cool_down_minutes")
    list_filter = ("environment", "lane", "mode")
    list_select_related = ("environment", "flag")


@admin.register(Decision)
class DecisionAdmin(UntrackedAdmin):
    list_display = ("at", "subject", "epoch", "lane", "environment_key", "flag_key", "act", "n", "k", "code")
    list_filter = ("act", "lane", "environment_key", "flag_key")
    search_fields = ("subject", "flag_key", "code")
    date_hierarchy = "at"


@admin.register(Baseline)
class BaselineAdmin(UntrackedAdmin):
    list_display = ("frozen_at", "subject", "environment", "first_on", "last_on", "requests", "errors")
    list_filter = ("environment",)
    list_select_related = ("environment",)
    search_fields = ("subject",)
    date_hierarchy = "frozen_at"


@admin.register(Sample)
class SampleAdmin(UntrackedAdmin):
    list_display = (
        "received_at",
        "environment",
        "site",
        "till",
        "flag",
        "requests",
        "errors",
        "critical_errors",
        "integrity_errors",
    )
    list_filter = ("environment", "site", "flag")
    list_select_related = ("environment", "site", "flag")
    search_fields = ("till", "release", "transaction")
    date_hierarchy = "received_at"


@admin.register(Alert)
class AlertAdmin(UntrackedAdmin):
    list_display = ("started_at", "ended_at", "environment", "origin", "name", "severity", "flag", "site", "release")
    list_filter = ("environment", "origin", "severity", "flag", "site")
    list_select_related = ("environment", "flag", "site")
    search_fields = ("name", "fingerprint", "release")
    date_hierarchy = "started_at"


@admin.register(AlertSource)
class AlertSourceAdmin(UntrackedAdmin):
    list_display = ("environment", "origin", "last_received_at", "watchdog_at", "watchdog_ended_at", "left_out")
    list_filter = ("environment", "origin")
    list_select_related = ("environment",)


@admin.register(ForgottenSource)
class ForgottenSourceAdmin(UntrackedAdmin):
    list_display = ("forgotten_at", "environment", "origin", "forgotten_by", "alerts_ended", "reason")
    list_filter = ("environment", "origin")
    list_select_related = ("environment",)


@admin.register(SentryHook)
class SentryHookAdmin(ReadOnlyAdmin):
    list_display = ("name", "environment", "secret_end", "created_at", "changed_at", "off_at")
    list_filter = ("environment",)
    list_select_related = ("environment",)
    hidden_fields = ("sealed_secret",)


@admin.register(OtlpSeries)
class OtlpSeriesAdmin(UntrackedAdmin):
    list_display = ("seen_at", "token", "key", "count")
    list_filter = ("token",)
    list_select_related = ("token", "token__environment")
    date_hierarchy = "seen_at"


@admin.register(PrometheusSource)
class PrometheusSourceAdmin(ReadOnlyAdmin):
    hidden_fields = ("sealed_secret",)
    list_display = ("environment", "name", "url", "interval_seconds", "is_active")
    list_filter = ("environment", "is_active")
    list_select_related = ("environment",)


@admin.register(PrometheusPull)
class PrometheusPullAdmin(UntrackedAdmin):
    list_display = ("source", "last_success_at", "last_data_at", "fault", "fault_since", "silent_since")
    list_filter = ("fault",)
    list_select_related = ("source",)


@admin.register(QueryGuardrail)
class QueryGuardrailAdmin(ReadOnlyAdmin):
    list_display = ("environment", "name", "source", "comparison", "limit", "lasting_seconds", "mode", "is_active")
    list_filter = ("environment", "mode", "is_active")
    list_select_related = ("environment", "source")


@admin.register(QueryWatch)
class QueryWatchAdmin(UntrackedAdmin):
    list_display = ("guardrail", "flag_key", "wanted_at", "next_ask_at", "leased_until")
    list_filter = ("guardrail",)
    list_select_related = ("guardrail",)


@admin.register(QueryReading)
class QueryReadingAdmin(UntrackedAdmin):
    list_display = ("at", "watch", "value", "code")
    list_filter = ("code",)
    list_select_related = ("watch",)
    date_hierarchy = "at"
