"""Puts our site in the place of Django's own, so that `admin.site` is it everywhere."""

from django.contrib.admin.apps import AdminConfig


class PortalAdminConfig(AdminConfig):
    default_site = "core.adminsite.PortalAdminSite"
