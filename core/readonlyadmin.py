"""Admin pages that show and never change: the base class of every app's admin."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.text import capfirst
from simple_history.admin import SimpleHistoryAdmin

from core.roles import Capability, can

READING = frozenset({"GET", "HEAD", "OPTIONS"})
#: What Django's own filters of a list append to a field's name.
OFFERED_LOOKUPS = frozenset(
    {"", "__exact", "__isnull", "__isempty", "__id__exact", "__gte", "__lt", "__year", "__month", "__day"}
)


class ReadOnlyAdmin(SimpleHistoryAdmin):  # type: ignore[misc]  # the library has no types
    """A model's list, page and history, open for roles with READ_ADMIN; every write is refused.

    Refusing by permission alone is not enough: simple_history (3.13) changes the live object when
    a view-only person POSTs to an old version's page, whatever its revert settings say.
    """

    #: Fields never shown, such as password hashes.
    hidden_fields: ClassVar[tuple[str, ...]] = ()
    actions = None
    list_per_page = 50
    show_full_result_count = False
    object_history_list_template = "admin/portal_history_list.html"

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return can(request.user, Capability.READ_ADMIN)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return can(request.user, Capability.READ_ADMIN)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Tell whether an address may narrow the list by this: only by what its filters offer.

        Django allows every local field: `password__startswith` would spell out what is hidden.
        """
        offered = {entry if isinstance(entry, str) else entry[0] for entry in self._list_filters()}
        offered |= {self.date_hierarchy} if self.date_hierarchy else set()
        field = next((name for name in offered if lookup == name or lookup.startswith(f"{name}__")), None)
        return field is not None and lookup.removeprefix(field) in OFFERED_LOOKUPS

    def _list_filters(self) -> Sequence[Any]:
        return [entry for entry in self.list_filter if isinstance(entry, (str, tuple))]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Sequence[str]:
        return self._shown_fields()

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Sequence[str]:
        return self._shown_fields()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        self.check_reading(request)
        title = capfirst(str(self.model._meta.verbose_name_plural))
        response: HttpResponse = super().changelist_view(request, {"title": title, **(extra_context or {})})
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        self.check_writing(request)
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        return response

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        raise PermissionDenied

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.check_reading(request)
        if not self._has_history():
            raise PermissionDenied
        response: HttpResponse = super().history_view(request, object_id, extra_context)
        return response

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.check_reading(request)
        if not self._has_history():
            raise PermissionDenied
        if not (version_id.isascii() and version_id.isdigit() and len(version_id) < 18):
            raise Http404
        response: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return response

    def check_reading(self, request: HttpRequest) -> None:
        """Refuse every method that could write."""
        if request.method not in READING:
            raise PermissionDenied

    def check_writing(self, request: HttpRequest) -> None:
        """Refuse a write to an object's page; a subclass that lets people write overrides this."""
        self.check_reading(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Refuse: the last wall, should a new page of the libraries' find a way around the others."""
        raise PermissionDenied

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request)
        return queryset

    def revert_disabled(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return True

    def _shown_fields(self) -> list[str]:
        meta = self.model._meta
        fields = [*meta.concrete_fields, *meta.many_to_many]
        return [field.name for field in fields if field.name not in self.hidden_fields]

    def _has_history(self) -> bool:
        return hasattr(self.model._meta, "simple_history_manager_attribute")


class UntrackedAdmin(ReadOnlyAdmin):
    """For tables without field-by-field history: counters, events, deliveries."""

    change_form_template = "admin/portal_untracked_form.html"


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    """Rows of a child table on its parent's page, shown and never changed."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return can(request.user, Capability.READ_ADMIN)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
