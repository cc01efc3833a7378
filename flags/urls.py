from django.urls import path

from flags import views

app_name = "flags"
urlpatterns = [
    path("flags/", views.list_all, name="list"),
    path("flags/<str:key>/", views.show, name="detail"),
    path("flags/<str:key>/switch/", views.switch, name="switch"),
    path("tokens/", views.tokens, name="tokens"),
]
