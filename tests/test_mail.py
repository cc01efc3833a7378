"""Where mails go without a mail server."""

from pathlib import Path

from django.conf import settings

from releaseportal.settings import EMAIL_BACKEND, EMAIL_FILE_PATH


def test_mail__without_a_server__lies_in_the_data_directory() -> None:
    assert Path(EMAIL_FILE_PATH) == settings.DATA_DIR / "mail"
    assert EMAIL_BACKEND == "notifications.mail_files.EmailBackend"
