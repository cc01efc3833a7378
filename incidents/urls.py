from django.urls import path

from incidents import views

app_name = "incidents"
urlpatterns = [
    path("incidents/", views.list_all, name="list"),
    path("incidents/declare/", views.declare, name="declare"),
    path("incidents/<int:pk>/", views.show, name="detail"),
    path("incidents/<int:pk>/<slug:action>/", views.act, name="act"),
]
