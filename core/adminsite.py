"""The admin: open to auditors and admins, read only, with the auditor's desk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.urls import URLPattern, URLResolver, path
from django.utils.translation import gettext_lazy as _

from core import desk
from core.readonlyadmin import ReadOnlyAdmin
from core.roles import Capability, can


class PortalAdminSite(AdminSite):
    site_title = _("Release Portal")
    site_header = _("Release Portal: records")
    index_title = _("Everything on record")
    index_template = "admin/portal_index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Open to the roles that may read the records, whatever Django's own staff flag says."""
        return can(request.user, Capability.READ_ADMIN)

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Register read-only pages alone: a library's own (groups, e-mail addresses) could be edited."""
        if admin_class is not None and issubclass(admin_class, ReadOnlyAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def unregister(self, model_or_iterable: type[Model] | Iterable[type[Model]]) -> None:
        """Ignore what was never let in."""
        models = [model_or_iterable] if isinstance(model_or_iterable, ModelBase) else list(model_or_iterable)
        super().unregister([model for model in models if self.is_registered(model)])

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead strangers to the portal's sign-in; refuse those who are signed in already."""
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        wanted = request.GET.get("next") or resolve_url("admin:index")
        return redirect(f"{resolve_url('account_login')}?{urlencode({'next': wanted})}")

    def password_change(  # type: ignore[override]  # the stub knows a page only, not a redirect
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the portal's own page."""
        return redirect("account_change_password")

    def get_urls(self) -> list[URLResolver | URLPattern]:
        own = [
            path("changes/", self.admin_view(self._changes), name="changes"),
            path("changes/export/", self.admin_view(self._export_changes), name="changes_export"),
        ]
        return own + super().get_urls()

    def _changes(self, request: HttpRequest) -> HttpResponseBase:
        return desk.show_changes(request, frame=self.each_context(request))

    def _export_changes(self, request: HttpRequest) -> HttpResponseBase:
        return desk.export_changes(request)
