from django.urls import path

from announcements import compose_views, setting_views, views

app_name = "announcements"
urlpatterns = [
    path("announcements/", views.list_all, name="list"),
    path("announcements/new/", compose_views.compose, name="new"),
    path("announcements/preview/", compose_views.preview, name="preview"),
    path("announcements/templates/", setting_views.list_templates, name="templates"),
    path("announcements/templates/<str:kind>/", setting_views.template, name="template"),
    path("announcements/hotlines/", setting_views.list_hotlines, name="hotlines"),
    path("announcements/hotlines/<str:environment>/", setting_views.hotline, name="hotline"),
    path("announcements/<int:pk>/", views.detail, name="detail"),
    path("announcements/<int:pk>/edit/", compose_views.edit, name="edit"),
    path("announcements/<int:pk>/confirm/", compose_views.confirm, name="confirm"),
    path("announcements/<int:pk>/correct/", views.correct, name="correct"),
    path("announcements/<int:pk>/correct/preview/", views.preview_correction, name="correct_preview"),
    path("announcements/<int:pk>/do/<str:action>/", views.act, name="act"),
]
