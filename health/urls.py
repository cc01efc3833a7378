from django.urls import path

from health import source_views, views

app_name = "health"
urlpatterns = [
    path("health/", views.overview, name="overview"),
    path("health/guardrails/<slug:lane>/", views.guardrail, name="guardrail"),
    path("health/sources/", source_views.sources, name="sources"),
    path("health/sources/new/", source_views.new_source, name="new_source"),
    path("health/sources/<int:pk>/", source_views.source, name="source"),
    path("health/sources/<int:pk>/edit/", source_views.edit_source, name="edit_source"),
    path("health/sources/<int:pk>/try/", source_views.try_it, name="try_source"),
    path("complaints/", views.complaints, name="complaints"),
    path("complaints/log/", views.log, name="log_complaint"),
    path("complaints/similar/", views.similar, name="similar"),
    path("complaints/<int:pk>/mark/", views.mark, name="mark"),
]
