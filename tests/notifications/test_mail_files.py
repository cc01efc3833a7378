"""Mails as files: each one opens in a mail program, and reads as text."""

from email import message_from_bytes, policy
from pathlib import Path

from django.core.mail import EmailMultiAlternatives, get_connection
from django.test import override_settings


def test_mail__without_a_server__is_a_file_that_a_person_can_read(tmp_path: Path) -> None:
    mails = [
        EmailMultiAlternatives(
            f"Retour arrière nº {number} : étiquettes", "Le drapeau est éteint.", "a@b.example", ["c@d.example"]
        )
        for number in (1, 2)
    ]

    with override_settings(EMAIL_FILE_PATH=str(tmp_path / "mail")):
        assert get_connection("notifications.mail_files.EmailBackend").send_messages(mails) == 2

    files = sorted((tmp_path / "mail").iterdir())
    assert {file.suffix for file in files} == {".eml"}
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert all("Subject: Retour arrière nº" in text and "Le drapeau est éteint." in text for text in texts)
    opened = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    assert sorted(one["Subject"] for one in opened) == [mail.subject for mail in mails]
