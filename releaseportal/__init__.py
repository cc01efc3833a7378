"""The roof: what joins the apps to one product."""

from releaseportal.celery import app as celery_app

__all__ = ["celery_app"]
