from django.apps import AppConfig

from core.labels import REFUSALS
from notifications import labels


class NotificationsConfig(AppConfig):
    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        REFUSALS.update(labels.REFUSALS)
