from django.urls import path

from notices import problem_views, views

app_name = "notices"
urlpatterns = [
    path("notices/", views.list_all, name="list"),
    path("notices/new/", views.create, name="new"),
    path("notices/preview/", views.preview, name="preview"),
    path("notices/<int:pk>/", views.show, name="detail"),
    path("notices/<int:pk>/correct/", views.correct, name="correct"),
    path("notices/<int:pk>/take-away/", views.take_away, name="take_away"),
    path("sites/<str:key>/problem-link/", problem_views.show_link, name="link"),
    path("sites/<str:key>/problem-link/sheet/", problem_views.print_link, name="link_sheet"),
    path("sites/<str:key>/problem-link/revoke/", problem_views.revoke_link, name="link_revoke"),
    path("problem/<str:token>/", problem_views.report, name="problem"),
]
