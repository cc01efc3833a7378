from django.urls import path

from recovery import drill_views, migration_views, operation_views, target_views

app_name = "recovery"
urlpatterns = [
    path("recovery/", target_views.list_all, name="list"),
    path("recovery/targets/new/", target_views.new, name="new"),
    path("recovery/targets/<slug:key>/", target_views.show, name="target"),
    path("recovery/targets/<slug:key>/edit/", target_views.edit, name="edit"),
    path("recovery/targets/<slug:key>/take/", operation_views.take, name="take"),
    path("recovery/targets/<slug:key>/deploy/", operation_views.deploy_release, name="deploy"),
    path("recovery/targets/<slug:key>/rehearse/", operation_views.rehearse_migrations, name="rehearse"),
    path("recovery/targets/<slug:key>/roll-back/", operation_views.roll_back_target, name="roll_back"),
    path("recovery/targets/<slug:key>/points/<int:pk>/", target_views.point, name="point"),
    path("recovery/targets/<slug:key>/<slug:action>/", operation_views.act_on_target, name="act"),
    path("recovery/drills/", drill_views.list_all, name="drills"),
    path("recovery/drills/<int:pk>/", drill_views.show, name="drill"),
    path("recovery/drills/<int:pk>/report.md", drill_views.export, {"kind": "md"}, name="drill_markdown"),
    path("recovery/drills/<int:pk>/report.json", drill_views.export, {"kind": "json"}, name="drill_json"),
    path("recovery/drills/start/<str:key>/", drill_views.start, name="drill_start"),
    path("recovery/migrations/<str:version>/", migration_views.show, name="migrations"),
    path("recovery/migrations/<str:version>/edit/", migration_views.describe, name="migrations_edit"),
    path("recovery/operations/<int:pk>/", operation_views.show, name="operation"),
    path("recovery/operations/<int:pk>/<slug:action>/", operation_views.act, name="operation_act"),
]
