"""What was told to whom, and what could not be delivered: read only."""

from django.contrib import admin

from core.readonlyadmin import ReadOnlyInline, UntrackedAdmin
from notifications.models import Delivery, Event


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
    list_display = ("event", "channel", "recipient", "status", "attempts", "next_attempt_at", "sent_at", "last_error")
    list_filter = ("status", "channel", "recipient")
    list_select_related = ("event", "recipient")
    search_fields = ("event__dedupe_key", "recipient__username", "last_error")
