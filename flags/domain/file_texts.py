"""Texts that files of several kinds hold."""

from typing import Annotated

from msgspec import Meta

#: As flags.models.keys has it; `$` alone would let a line's end pass.
Key = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?!\n)$", examples=["my-key"])]
#: Of this century, as forms have it.
Day = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(?!\n)$",
        examples=["2027-01-31"],
        extra_json_schema={"format": "date"},
    ),
]
