"""The address of the running portal, as a second shell finds it."""

from pathlib import Path

import pytest

from releaseportal.addresses import PORTAL_FILE, find_running_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ('{"url": "http://127.0.0.1:18731"}', "http://127.0.0.1:18731"),
        (None, ""),
        ("", ""),
        ("[]", ""),
        ("{}", ""),
        ('{"url": 7', ""),
    ],
)
def test_running_url__of_a_data_directory__is_that_of_its_portal(tmp_path: Path, text: str | None, url: str) -> None:
    if text is not None:
        (tmp_path / PORTAL_FILE).write_text(text)

    assert find_running_url(tmp_path) == url
