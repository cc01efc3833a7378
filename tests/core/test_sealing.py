"""Secrets are sealed for one purpose, with the portal's own key."""

import os
import subprocess
import sys

import pytest
from django.test import override_settings

from core.sealing import Unsealable, seal, unseal


def test_seal__a_secret__opens_again_and_shows_nothing() -> None:
    sealed = seal("s3cret é", purpose="a")

    assert unseal(sealed, purpose="a") == "s3cret é"
    assert "s3cret" not in sealed
    assert seal("s3cret é", purpose="a") != sealed


@pytest.mark.parametrize("damaged", ["", "x", "é", "\0"])
def test_unseal__what_was_never_sealed__is_refused(damaged: str) -> None:
    with pytest.raises(Unsealable):
        unseal(damaged, purpose="a")


def test_unseal__for_another_purpose__is_refused() -> None:
    with pytest.raises(Unsealable):
        unseal(seal("s3cret", purpose="a"), purpose="b")


def test_unseal__with_a_new_key__opens_while_the_old_one_is_a_fallback() -> None:
    with override_settings(SECRET_KEY="the old one"):
        sealed = seal("s3cret", purpose="a")

    with override_settings(SECRET_KEY="the new one", SECRET_KEY_FALLBACKS=["the old one"]):
        assert unseal(sealed, purpose="a") == "s3cret"
    with override_settings(SECRET_KEY="the new one"), pytest.raises(Unsealable):
        unseal(sealed, purpose="a")


def test_fallbacks__in_the_environment__are_what_the_portal_opens_with() -> None:
    given = os.environ | {"SECRET_KEY_FALLBACKS": "the one before,the first one"}
    program = "from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"
    ask = [sys.executable, "-c", program]

    said = subprocess.run(ask, env=given, capture_output=True, text=True, check=True).stdout  # our own

    assert said.strip() == "['the one before', 'the first one']"
