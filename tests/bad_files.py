"""A file that is wrong in one place: refused by the import with its line, and by the schema where it can tell."""

from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from core.domain.yaml_reading import read_documents
from core.errors import InvalidInput
from core.labels import say_refusal
from tests.digest import take_digest

#: What is changed of a sound file, the code of the refusal, its line, and whether the schema refuses it too.
Bad = tuple[tuple[str, str], str, int, bool]


def check_refused(bad: Bad, *, sound: str, act: Callable[[str], object], schema: Callable[[], Any]) -> None:
    """Import a sound file made bad: it must be refused as told, and nothing be written."""
    change, code, line, by_schema = bad
    assert change[0] in sound
    file = sound.replace(*change, 1)
    before = take_digest()

    with pytest.raises(InvalidInput) as refused:
        act(file)

    assert (refused.value.data.get("cause", refused.value.code), refused.value.data["line"]) == (code, line)
    assert f"Line {line}" in say_refusal(refused.value)
    assert take_digest() == before
    if by_schema:
        assert not Draft202012Validator(schema()).is_valid(read_documents(file)[0].value)
