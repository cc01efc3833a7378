from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/again/", views.send_mail_again, name="again"),
    path("mails/undelivered/", views.undelivered, name="undelivered"),
]
