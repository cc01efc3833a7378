"""What is dialled of a number as people write it."""

import pytest

from core.domain.telephone import dial


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("01 23 45 67 89", "0123456789"),
        ("01.23.45-67.89", "0123456789"),
        ("+33 (0)4 72 00 00 00", "+33472000000"),
        ("(04) 72 00 00 00", "0472000000"),
        ("01 23 45 67 89 / 06 12 34 56 78", "0123456789"),
        ("ask Ana", ""),
        ("", ""),
    ],
)
def test_dial__as_people_write_it__is_what_a_telephone_takes(written: str, dialled: str) -> None:
    assert dial(written) == dialled
