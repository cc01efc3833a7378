from django.urls import path

from statuspage import subscription_views, views

app_name = "statuspage"
urlpatterns = [
    path("status/subscribe/", subscription_views.ask, name="subscribe"),
    path("status-page/", views.show_settings, name="settings"),
    path("status-page/page/", views.edit_page, name="page"),
    path("status-page/environments/<int:pk>/", views.edit_public, name="public"),
    path("status-page/environments/<int:pk>/components/new/", views.new_component, name="add"),
    path("status-page/components/<int:pk>/", views.edit_component, name="component"),
]
