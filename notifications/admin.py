"""What was told to whom, and what could not be delivered: read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyAdmin, ReadOnlyInline, UntrackedAdmin
from notifications.contact_models import Contact
from notifications.models import (
    Broadcast,
    BulkLane,
    ChannelTrial,
    Delivery,
    DigestState,
    Endpoint,
    EndpointLine,
    Event,
    HeldMessage,
    PersonalSettings,
)


class DeliveryInline(ReadOnlyInline):
    model = Delivery


@admin.register(Event)
class EventAdmin(UntrackedAdmin):
    list_display = ("created_at", "kind", "dedupe_key", "url")
    list_filter = ("kind", "created_at")
    search_fields = ("dedupe_key", "url")
    date_hierarchy = "created_at"
    inlines = (DeliveryInline,)


@admin.register(Delivery)
class DeliveryAdmin(UntrackedAdmin):
    list_display = (
        "event",
        "channel",
        "recipient",
        "endpoint",
        "status",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "last_error",
    )
    list_filter = ("status", "channel", "recipient")
    list_select_related = ("event", "recipient", "endpoint")
    search_fields = ("event__dedupe_key", "recipient__username", "last_error")


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    hidden_fields = ("sealed_address", "sealed_secret", "sealed_old_secret")
    list_display = ("name", "kind", "status", "address_hint", "language", "drills", "per_minute")
    list_filter = ("kind", "status")
    search_fields = ("name", "address_hint")


@admin.register(EndpointLine)
class EndpointLineAdmin(UntrackedAdmin):
    list_display = ("endpoint", "free_at", "failures", "failing_since", "last_sent_at", "last_error")
    list_select_related = ("endpoint",)


@admin.register(ChannelTrial)
class ChannelTrialAdmin(UntrackedAdmin):
    list_display = ("asked_at", "endpoint", "asked_by", "has_arrived", "answered_by", "answered_at", "wrong_codes")
    list_filter = ("has_arrived",)
    list_select_related = ("endpoint", "asked_by", "answered_by")


@admin.register(Contact)
class ContactAdmin(UntrackedAdmin):
    """Addresses are personal data: the admin shows how many there are, not where they live."""

    hidden_fields = ("email", "sealed_address", "address_hash")
    list_display = ("pk", "purpose", "kind", "status", "language", "created_at", "confirmed_at", "ended_at")
    list_filter = ("purpose", "kind", "status")


@admin.register(Broadcast)
class BroadcastAdmin(ReadOnlyAdmin):
    list_display = ("started_at", "event", "status", "recipients", "started_by")
    list_filter = ("status",)
    list_select_related = ("event", "started_by")


@admin.register(BulkLane)
class BulkLaneAdmin(UntrackedAdmin):
    list_display = ("pk", "free_at", "failures", "last_error")


@admin.register(PersonalSettings)
class PersonalSettingsAdmin(ReadOnlyAdmin):
    list_display = ("user", "digest_is_on", "digest_hour", "digest_weekdays", "time_zone")
    list_filter = ("digest_is_on", "digest_hour")
    list_select_related = ("user",)
    search_fields = ("user__username",)


@admin.register(DigestState)
class DigestStateAdmin(UntrackedAdmin):
    list_display = ("user", "last_on")
    list_filter = ("last_on",)
    list_select_related = ("user",)
    search_fields = ("user__username",)


@admin.register(HeldMessage)
class HeldMessageAdmin(UntrackedAdmin):
    list_display = ("event", "reader", "digest", "settled_at")
    list_filter = ("settled_at",)
    list_select_related = ("event", "reader", "digest")
    search_fields = ("event__dedupe_key", "reader__username")
