"""The Celery application: wakes workers for due work, decides nothing."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseportal.settings")

app = Celery("releaseportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
