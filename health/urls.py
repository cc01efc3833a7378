from django.urls import path

from health import alert_views, guardrail_views, views

app_name = "health"
urlpatterns = [
    path("health/", views.overview, name="overview"),
    path("health/guardrails/", guardrail_views.guardrails, name="guardrails"),
    path("health/guardrails/<slug:lane>/", guardrail_views.guardrail, name="guardrail"),
    path("health/guardrails/<int:pk>/forget/", guardrail_views.forget, name="forget_guardrail"),
    path("health/alerts/", alert_views.alerts, name="alerts"),
    path("health/alerts/connect/", alert_views.connect, name="connect_monitoring"),
    path("complaints/", views.complaints, name="complaints"),
    path("complaints/log/", views.log, name="log_complaint"),
    path("complaints/similar/", views.similar, name="similar"),
    path("complaints/<int:pk>/mark/", views.mark, name="mark"),
]
