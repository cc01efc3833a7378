from django.urls import path

from health import complaint_views, import_views, views

app_name = "health"
urlpatterns = [
    path("health/", views.overview, name="overview"),
    path("health/guardrails/<slug:lane>/", views.guardrail, name="guardrail"),
    path("complaints/", complaint_views.complaints, name="complaints"),
    path("complaints/log/", complaint_views.log, name="log_complaint"),
    path("complaints/import/", import_views.import_file, name="import"),
    path("complaints/import/template.csv", import_views.give_template, name="import_template"),
    path("complaints/suspects/", complaint_views.suspects, name="suspects"),
    path("complaints/similar/", complaint_views.similar, name="similar"),
    path("complaints/<int:pk>/mark/", complaint_views.mark, name="mark"),
]
