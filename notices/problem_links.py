"""The address of a site's link: the number of its row, signed. It can be printed again, and is nowhere stored."""

import segno
from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from notices.models import ProblemLink

SALT = "notices.problem"
MOST_CHARACTERS = 200


def write_token(link: ProblemLink) -> str:
    """Return what stands in a link's address."""
    return Signer(salt=SALT).sign_object([link.pk])


def find_link(token: str) -> ProblemLink | None:
    """Return the link that an address opens, None where we did not sign it or it was revoked: one query."""
    if len(token) > MOST_CHARACTERS:
        return None
    try:
        [number] = Signer(salt=SALT).unsign_object(token)
    except BadSignature:
        return None
    rows = ProblemLink.objects.select_related("environment", "site")
    return rows.filter(pk=number, revoked_at=None).first()


def write_url(link: ProblemLink) -> str:
    """Return the whole address."""
    return f"{settings.PUBLIC_URL}{reverse('notices:problem', kwargs={'token': write_token(link)})}"


def draw_code(url: str) -> str:
    """Return the QR code of an address as an address of its picture: a data URI of SVG, read from a metre away."""
    return segno.make(url, error="m").svg_data_uri(scale=8, border=2)
