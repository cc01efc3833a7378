"""Moments in sentences are said as pages say them, in the reader's language."""

import pytest
from django.utils import translation

from health.labels import say_judgement

SINCE = "2026-11-27T09:42:00+00:00"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Fri 27 Nov, 10:42"), ("fr", "ven. 27 nov., 10:42")],
)
def test_sentence__since_a_moment__says_it_in_the_language_in_force(language: str, words: str) -> None:
    with translation.override(language):
        said = say_judgement(code="error_rate", n=100, k=9, data={"since": SINCE, "threshold_bp": 500, "odds": 30_000})

    assert words in said
