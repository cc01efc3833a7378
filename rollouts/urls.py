from django.urls import path

from rollouts import views

app_name = "rollouts"
urlpatterns = [
    path("rollouts/", views.list_all, name="list"),
    path("rollouts/plan/", views.plan, name="plan"),
    path("rollouts/<int:pk>/", views.show, name="detail"),
    path("rollouts/<int:pk>/roll-back/", views.roll_back_page, name="roll_back"),
    path("rollouts/<int:pk>/<slug:action>/", views.act, name="act"),
    path("releases/", views.releases, name="releases"),
]
