"""Fields that forms share."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
_WORDS = _("A day between 2000 and 2100.")


def is_countable(moment: datetime) -> bool:
    """Tell whether a moment lies where calendars here count; PostgreSQL stores others that cannot be read back."""
    return FIRST_DAY.year <= moment.year <= LAST_DAY.year


class DayField(forms.DateField):
    """A day within reach: what lies beyond is a slip, and no calendar here counts so far."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators += [MinValueValidator(FIRST_DAY, _WORDS), MaxValueValidator(LAST_DAY, _WORDS)]
