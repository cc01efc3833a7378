"""The Celery application: wakes workers for due work, decides nothing."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseportal.settings")

app = Celery("releaseportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def keep_sound_connections(**_given: Any) -> None:
    """Before each task, let go of a connection that broke or grew old; a sound one is used again, as by requests.

    Celery keeps its hands off (CELERY_DB_REUSE_MAX): a connection for each task costs more than most tasks do.
    """
    close_old_connections()
