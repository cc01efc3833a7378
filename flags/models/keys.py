"""What a key may look like: it stands in addresses, variables and programs."""

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
check_key = RegexValidator(KEY_PATTERN, _("Letters, digits, dot, dash and underscore; at most 100 characters."))
