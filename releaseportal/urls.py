"""Every address of the Django side; the lean routes stand before it in asgi.py."""

from django.contrib import admin
from django.urls import include, path

from core.filing import SCHEMAS
from releaseportal import api_page, schemas, views
from releaseportal.api import PREFIX, api

#: Pages of the library that would let people make accounts or change addresses past the history.
CLOSED = ("signup/", "email/", "confirm-email/", "confirm-email/<path:key>", "password/set/", "login/code/confirm/")

urlpatterns = [
    path("", views.show_dashboard, name="dashboard"),
    path("search/", views.show_search, name="search"),
    path("environment/", views.switch_environment, name="environment"),
    path("language/", views.switch_language, name="language"),
    *(path(f"account/{route}", views.show_closed) for route in CLOSED),
    path(f"{SCHEMAS}<str:name>", schemas.show_schema, name="schema"),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path(f"{PREFIX}openapi.json", api_page.show_json, name="openapi"),
    path(f"{PREFIX}docs", api_page.show_page, name="api_docs"),
    path(PREFIX, api.urls),
    path("", include("flags.urls")),
    path("", include("rollouts.urls")),
    path("", include("health.urls")),
    path("", include("notices.urls")),
    path("", include("incidents.urls")),
    path("", include("statuspage.urls")),
    path("", include("announcements.urls")),
    path("", include("recovery.urls")),
    path("", include("procedures.urls")),
    path("", include("notifications.urls")),
]
