"""A row, new or edited, validated whole."""

from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models

from core.errors import InvalidInput

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
