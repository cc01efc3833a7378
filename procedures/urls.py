from django.urls import path

from procedures import views

app_name = "procedures"
urlpatterns = [
    path("procedures/", views.list_all, name="list"),
    path("procedures/<int:pk>/", views.show, name="detail"),
    path("procedures/<int:pk>/say/", views.say_item, name="say"),
    path("procedures/of-rollback/<int:pk>/", views.of_rollback, name="of_rollback"),
    path("procedures/of-operation/<int:pk>/", views.of_operation, name="of_operation"),
]
