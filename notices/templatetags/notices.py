"""Notices as the tills' script draws them."""

import json

from django import template

from notices.previews import Preview

register = template.Library()


@register.filter
def for_script(preview: Preview) -> str:
    """Return what a till gets of a notice, as JSON for an attribute."""
    return json.dumps(preview.told, ensure_ascii=False)
