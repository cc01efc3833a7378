"""Settings of the portal, all from the environment (docs/reference/settings.md lists each).

Without `DATABASE_URL` and `REDIS_URL` the addresses of the embedded servers are read from
`DATA_DIR`, where `manage.py up` wrote them.
"""

import os
import sys
from ipaddress import ip_network
from pathlib import Path

import environ
from celery.schedules import schedule as celery_schedule
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from releaseportal.addresses import BASE_DIR, find_addresses, find_data_dir, find_running_url
from releaseportal.schedule import SCHEDULE

env = environ.Env()
# An empty variable counts as not given, as compose files write it.
env.ENVIRON = {name: value for name, value in os.environ.items() if value}

DATA_DIR = find_data_dir(env.ENVIRON)
_found = find_addresses(DATA_DIR, environment=env.ENVIRON)

SECRET_KEY = _found.secret_key
#: Keys of before, newest first: what they sealed and signed still opens.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
PORT = env.int("PORT", default=8000)
PUBLIC_URL = env.str("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}").rstrip("/")
#: Where files say that their schemas are: in a second shell, which is given no address, at the running portal.
SCHEMAS_URL = PUBLIC_URL if {"PUBLIC_URL", "PORT"} & set(env.ENVIRON) else find_running_url(DATA_DIR) or PUBLIC_URL
_SECURE = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "core.adminconfig.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "simple_history",
    "releaseportal",
    "statuspage",
    "announcements",
    "notices",
    "incidents",
    "rollouts",
    "health",
    "recovery",
    "procedures",
    "flags",
    "notifications",
    "core",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.middleware.ProgramsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.UncachedMiddleware",
    "core.middleware.UnreadableMiddleware",
    "core.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "releaseportal.urls"
WSGI_APPLICATION = "releaseportal.wsgi.application"
ASGI_APPLICATION = "releaseportal.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "releaseportal.context.frame",
            ],
            "builtins": ["core.templatetags.portal", "core.templatetags.words", "django.templatetags.i18n"],
        },
    },
]

# The application's login role; migrations and the test suite's flush use the owner (ADR 0003).
DATABASES = {"default": env.db_url_config(_found.database_url) | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}}
DATABASE_OWNER = env.db_url_config(_found.database_owner_url) if _found.database_owner_url else None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The cache (sign-in limits) lies in PostgreSQL, so that losing Valkey locks nobody out.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "core_cache",
        # Django culls from 300 on: whoever asks for many passwords would wash the limits out.
        "OPTIONS": {"MAX_ENTRIES": 1_000_000},
    },
}

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "core.accounts.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
# Owners hear by mail of a new password or second factor; addresses that are nobody's get no mail.
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# By address, and many people may share one: wrong passwords are counted apart, and by account too.
ACCOUNT_RATE_LIMITS = {"login": f"{env.int('SIGN_INS_PER_MINUTE', default=30)}/m/ip"}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
# Admins set addresses, nobody confirms one here: who has reset a password would be refused a second factor.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Release Portal"
# One step of 30 s either way: a code typed as it runs out, a telephone whose clock is off (RFC 6238, 5.2).
MFA_TOTP_TOLERANCE = 1
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("fr", _("French"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = env.str("TIME_ZONE", default="Europe/Paris")
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
WHITENOISE_USE_FINDERS = True

CELERY_BROKER_URL = _found.redis_url
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "socket_timeout": 5, "visibility_timeout": 60}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
#: Celery would open and close a connection with each of a dozen tasks a second; see releaseportal/celery.py.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_TIMEZONE = "UTC"
# Kept in memory: every period is seconds, and a schedule file breaks when beat is killed.
CELERY_BEAT_SCHEDULER = "releaseportal.beat:TableScheduler"
CELERY_BEAT_SCHEDULE = {
    row.task: {
        "task": row.task,
        "schedule": celery_schedule(run_every=row.every_seconds),
        # Ticks pile up while no worker runs; only the newest says anything.
        "options": {"expires": max(row.every_seconds, 2)},
    }
    for row in SCHEDULE
}

# Without a mail server mails are files: the demo shows them, nothing leaves the machine.
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="filemail://")
vars().update(EMAIL_CONFIG)
if EMAIL_CONFIG["EMAIL_BACKEND"] == "django.core.mail.backends.filebased.EmailBackend":
    EMAIL_BACKEND = "notifications.mail_files.EmailBackend"
if not EMAIL_CONFIG.get("EMAIL_FILE_PATH"):
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="release-portal@localhost")
EMAIL_TIMEOUT = 10
# How many mails to readers without an account go out a minute, all in all: what the mail service allows.
BULK_PER_MINUTE = max(1, env.int("BULK_PER_MINUTE", default=600))
# The mailbox that takes mails which come back; each mail's own sender is made from it.
BOUNCE_ADDRESS = env.str("BOUNCE_ADDRESS", default="")

# The address of a client's stream carries a signed token that changes with each period.
STREAM_PERIOD_SECONDS = env.int("STREAM_PERIOD_SECONDS", default=86_400)
# Streams that one web process holds at a time; the next one is answered 503.
STREAM_LIMIT = env.int("STREAM_LIMIT", default=5_000)

# Names and free text of complaints are personal data: deleted after this time, the complaint stays.
COMPLAINT_TEXT_RETENTION_DAYS = env.int("COMPLAINT_TEXT_RETENTION_DAYS", default=180)
# Baselines look four weeks back; older samples only fill the disk.
SAMPLE_RETENTION_DAYS = env.int("SAMPLE_RETENTION_DAYS", default=35)
# What samples are rolled up to takes a tenth of the place: by site and minute it stays for longer.
SITE_MINUTE_RETENTION_DAYS = env.int("SITE_MINUTE_RETENTION_DAYS", default=45)
# Alerts of other monitoring systems: deleted so long after they were last heard of.
ALERT_RETENTION_DAYS = env.int("ALERT_RETENTION_DAYS", default=90)

# A flag that everybody has got for so long is to be removed; a hundred years is never, and still a date.
FLAG_STALE_AFTER_DAYS = min(env.int("FLAG_STALE_AFTER_DAYS", default=30), 36_500)

SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True
SIMPLE_HISTORY_REVERT_DISABLED = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _SECURE
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if _SECURE else 0
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _SECURE else None
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "core.errorpages.csrf_failure"
# A file of a mebibyte is half as long again as a form writes it.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_097_152
# A plan's form has a field for each of a thousand sites, and its people.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
FILE_UPLOAD_HANDLERS = ["core.uploads.KeepAskedFiles"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
TEST_RUNNER = "django.test.runner.DiscoverRunner"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "core.logs.OneLine", "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"links": {"()": "core.logs.HideLinks"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["links"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {"django.request": {"level": "ERROR"}},
}

# Private networks that addresses typed in by people (monitoring) may lead to; public addresses always may.
OUTBOUND_NETWORKS = [ip_network(network) for network in env.list("OUTBOUND_NETWORKS", default=[])]
#: Where programs may be that strangers subscribe to the status page.
SUBSCRIBER_NETWORKS = [ip_network(network) for network in env.list("SUBSCRIBER_NETWORKS", default=[])]

# Which of Apprise's services endpoints may name: each speaks with hosts of its own, so that none leads inside.
APPRISE_SCHEMES = frozenset(
    env.list(
        "APPRISE_SCHEMES",
        default=["freemobile", "twilio", "vonage", "msgbird", "clicksend", "sinch", "smsmgr", "tgram", "pover"],
    )
)

# Recovery of targets: PostgreSQL's programs ("": the machine's own, or the embedded server's wheel), the folder of
# secrets that hold targets' addresses, and where a dump lies while it is made and read.
RECOVERY_POSTGRES_BIN = env.str("RECOVERY_POSTGRES_BIN", default="")
RECOVERY_SECRETS_DIR = Path(env.str("RECOVERY_SECRETS_DIR", default=str(DATA_DIR / "secrets")))
RECOVERY_WORK_DIR = Path(env.str("RECOVERY_WORK_DIR", default=str(DATA_DIR / "recovery")))
# From which day of the month, and which hour of that day on, the month's drill begins.
RECOVERY_DRILL_DAY = env.int("RECOVERY_DRILL_DAY", default=2)
RECOVERY_DRILL_HOUR = env.int("RECOVERY_DRILL_HOUR", default=4)
# Targets on other machines: ssh's own files where these are empty.
RECOVERY_SSH_KEY = env.str("RECOVERY_SSH_KEY", default="")
RECOVERY_SSH_KNOWN_HOSTS = env.str("RECOVERY_SSH_KNOWN_HOSTS", default="")
# An age identity (AGE-SECRET-KEY-…): given, restore points are encrypted.
RECOVERY_KEY_FILE = env.str("RECOVERY_KEY_FILE", default="")
_BUCKET = env.str("RECOVERY_S3_BUCKET", default="")
_FOLDER_STORAGE = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": env.str("RECOVERY_DIR", default=str(DATA_DIR / "restore-points")),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}


def _bucket(prefix: str, **options: object) -> dict[str, object]:
    """Return a bucket of S3, or of what speaks like it, as the variables with a prefix name it."""
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": env.str(f"{prefix}_S3_BUCKET", default=""),
            "endpoint_url": env.str(f"{prefix}_S3_ENDPOINT", default="") or None,
            "region_name": env.str(f"{prefix}_S3_REGION", default="") or None,
            "access_key": env.str(f"{prefix}_S3_ACCESS_KEY", default="") or None,
            "secret_key": env.str(f"{prefix}_S3_SECRET_KEY", default="") or None,
            "location": env.str(f"{prefix}_S3_PREFIX", default=""),
            "default_acl": None,
            **options,
        },
    }


S3_STORAGE = _bucket("RECOVERY", file_overwrite=False)
# The public page: where it is read, and where its static copy is written on every change.
STATUS_PAGE_URL = env.str("STATUS_PAGE_URL", default=f"{PUBLIC_URL}/status").rstrip("/")
_STATUS_BUCKET = env.str("STATUS_PAGE_S3_BUCKET", default="")
_STATUS_FOLDER_STORAGE = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": env.str("STATUS_PAGE_DIR", default=str(DATA_DIR / "status-page"))},
}
STATUS_PAGE_S3_STORAGE = _bucket(
    "STATUS_PAGE", file_overwrite=True, object_parameters={"CacheControl": "public, max-age=15"}
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "restore_points": S3_STORAGE if _BUCKET else _FOLDER_STORAGE,
    "status_page": STATUS_PAGE_S3_STORAGE if _STATUS_BUCKET else _STATUS_FOLDER_STORAGE,
}
