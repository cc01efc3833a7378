from django.urls import path

from rollouts import (
    approval_views,
    feedback_views,
    freeze_views,
    plan_edit_views,
    support_views,
    template_file_views,
    template_views,
    views,
)

app_name = "rollouts"
urlpatterns = [
    path("rollouts/", views.list_all, name="list"),
    path("rollouts/plan/", views.plan, name="plan"),
    path("rollouts/<int:pk>/", views.show, name="detail"),
    path("rollouts/<int:pk>/roll-back/", views.roll_back_page, name="roll_back"),
    path("rollouts/<int:pk>/give-back/", views.give_back, name="give_back"),
    path("rollouts/<int:pk>/plan/", plan_edit_views.show, name="plan_of"),
    path("rollouts/<int:pk>/decide/", approval_views.decide, name="decide"),
    path("rollouts/<int:pk>/check/", approval_views.check, name="check"),
    path("rollouts/<int:pk>/<slug:action>/", views.act, name="act"),
    path("feedback/<str:token>/", feedback_views.give, name="feedback"),
    path("support/", support_views.show, name="support"),
    path("support/add/", support_views.add, name="support_add"),
    path("support/remove/", support_views.remove, name="support_remove"),
    path("plan-templates/", template_views.list_all, name="templates"),
    path("plan-templates/new/", template_views.create, name="template_new"),
    path("plan-templates/<str:key>/", template_views.show, name="template"),
    path("plan-templates/<str:key>/edit/", template_views.edit, name="template_edit"),
    path("plan-templates/<str:key>/export/", template_file_views.export_one, name="template_export"),
    path("export-plan-templates/", template_file_views.export_all, name="templates_export"),
    path("import-plan-templates/", template_file_views.import_file, name="templates_import"),
    path("plan-templates/<str:key>/<slug:action>/", template_views.act, name="template_act"),
    path("freezes/", freeze_views.list_all, name="freezes"),
    path("freezes/<int:pk>/shorten/", freeze_views.shorten, name="freeze_shorten"),
    path("freezes/<int:pk>/remove/", freeze_views.remove, name="freeze_remove"),
    path("agenda/", views.agenda, name="agenda"),
    path("releases/", views.releases, name="releases"),
]
