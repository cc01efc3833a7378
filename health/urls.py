from django.urls import path

from health import alert_views, complaint_views, guardrail_views, import_views, query_views, source_views, views

app_name = "health"
urlpatterns = [
    path("health/", views.overview, name="overview"),
    path("health/guardrails/", guardrail_views.guardrails, name="guardrails"),
    path("health/guardrails/<slug:lane>/", guardrail_views.guardrail, name="guardrail"),
    path("health/guardrails/<int:pk>/forget/", guardrail_views.forget, name="forget_guardrail"),
    path("health/guardrails/queries/new/", query_views.new_query, name="new_query"),
    path("health/guardrails/queries/<int:pk>/", query_views.query, name="query"),
    path("health/guardrails/queries/<int:pk>/edit/", query_views.edit_query, name="edit_query"),
    path("health/guardrails/queries/<int:pk>/try/", query_views.try_it, name="try_query"),
    path("health/alerts/", alert_views.alerts, name="alerts"),
    path("health/alerts/sources/<int:pk>/forget/", alert_views.forget_one, name="forget_alert_source"),
    path("health/alerts/connect/", alert_views.connect, name="connect_monitoring"),
    path("complaints/", complaint_views.complaints, name="complaints"),
    path("complaints/log/", complaint_views.log, name="log_complaint"),
    path("complaints/import/", import_views.import_file, name="import"),
    path("complaints/import/template.csv", import_views.give_template, name="import_template"),
    path("complaints/suspects/", complaint_views.suspects, name="suspects"),
    path("complaints/similar/", complaint_views.similar, name="similar"),
    path("complaints/<int:pk>/mark/", complaint_views.mark, name="mark"),
    path("health/sources/", source_views.sources, name="sources"),
    path("health/sources/new/", source_views.new_source, name="new_source"),
    path("health/sources/<int:pk>/", source_views.source, name="source"),
    path("health/sources/<int:pk>/edit/", source_views.edit_source, name="edit_source"),
    path("health/sources/<int:pk>/try/", source_views.try_it, name="try_source"),
]
