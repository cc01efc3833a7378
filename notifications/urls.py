from django.urls import path

from notifications import (
    broadcast_views,
    contact_views,
    due_views,
    endpoint_views,
    ledger_views,
    personal_views,
    trial_views,
    views,
)

app_name = "notifications"
urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/again/", views.send_mail_again, name="again"),
    path("channels/", endpoint_views.channels, name="channels"),
    path("channels/mail/try/", trial_views.try_own_mail, name="try_mail"),
    path("channels/new/<slug:kind>/", endpoint_views.new_channel, name="new_channel"),
    path("channels/<int:pk>/", endpoint_views.channel, name="channel"),
    path("channels/<int:pk>/edit/", endpoint_views.edit_channel, name="edit_channel"),
    path("channels/<int:pk>/switch/", endpoint_views.switch_channel, name="switch_channel"),
    path("channels/<int:pk>/renew/", endpoint_views.renew, name="renew_secret"),
    path("channels/<int:pk>/try/", trial_views.try_channel, name="try_channel"),
    path("channels/tests/<int:pk>/", trial_views.answer_trial, name="answer_trial"),
    path("broadcasts/", broadcast_views.broadcasts, name="broadcasts"),
    path("broadcasts/users/", broadcast_views.users, name="users"),
    path("broadcasts/<int:pk>/", broadcast_views.broadcast, name="broadcast"),
    path("broadcasts/<int:pk>/<slug:action>/", broadcast_views.steer, name="steer_broadcast"),
    path("subscription/confirm/<str:token>/", contact_views.confirm, name="confirm_contact"),
    path("subscription/end/<str:token>/", contact_views.end, name="end_contact"),
    path("due/", due_views.show, name="due"),
    path("account/notifications/", personal_views.edit, name="personal"),
    path("told/", ledger_views.ledger, name="ledger"),
    path("told/<int:pk>/", ledger_views.told, name="told"),
]
