"""A row, new or edited, validated whole."""

from collections.abc import Iterable
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models

from core.errors import InvalidInput
from flags.domain.variables import write_key

M = TypeVar("M", bound=models.Model)


def save_row(thing: M) -> M:
    """Save a row after full validation; refuse a taken key or a wrong value."""
    try:
        thing.full_clean()
        thing.save()
    except ValidationError as error:
        raise InvalidInput("values_wrong", fields="; ".join(error.messages)) from None
    except IntegrityError:
        raise InvalidInput("key_taken") from None
    return thing


def check_key_reads_apart(key: str, *, others: Iterable[str]) -> None:
    """Refuse a key that variables could not tell from another's, such as `a.b` beside `a-b`."""
    written = write_key(key)
    other = next((one for one in others if one != key and write_key(one) == written), None)
    if other is not None:
        raise InvalidInput("key_reads_alike", other=other)
