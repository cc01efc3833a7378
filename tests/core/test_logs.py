"""What the log keeps out."""

import logging

import pytest

from core.logs import HideLinks


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/subscription/confirm/s3-cr_et/", "/subscription/confirm/…/"),
        ("/subscription/end/s3:cr_et?x", "/subscription/end/…?x"),
        ("/feedback/s3cret/", "/feedback/…/"),
        ("/problem/s3cret/", "/problem/…/"),
        ("/status/subscribe/", "/status/subscribe/"),
    ],
)
def test_log__of_a_links_address__hides_its_token(path: str, shown: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "fault at %s", (path,), None)

    HideLinks().filter(record)

    assert record.getMessage() == f"fault at {shown}"
