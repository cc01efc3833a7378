from django.urls import path

from rollouts import freeze_views, views

app_name = "rollouts"
urlpatterns = [
    path("rollouts/", views.list_all, name="list"),
    path("rollouts/plan/", views.plan, name="plan"),
    path("rollouts/<int:pk>/", views.show, name="detail"),
    path("rollouts/<int:pk>/roll-back/", views.roll_back_page, name="roll_back"),
    path("rollouts/<int:pk>/<slug:action>/", views.act, name="act"),
    path("freezes/", freeze_views.list_all, name="freezes"),
    path("freezes/<int:pk>/shorten/", freeze_views.shorten, name="freeze_shorten"),
    path("freezes/<int:pk>/remove/", freeze_views.remove, name="freeze_remove"),
    path("releases/", views.releases, name="releases"),
]
