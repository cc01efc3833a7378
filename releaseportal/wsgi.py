"""Django as a WSGI application; `releaseportal.asgi` puts the lean routes in front of it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "releaseportal.settings")

application = get_wsgi_application()
