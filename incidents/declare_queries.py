"""Which incidents run already and may be what somebody is declaring."""

from collections.abc import Sequence

from health.domain.complaints import SIMILAR, likeness
from incidents.domain.symptoms import plain
from incidents.models import Incident
from incidents.queries import open_incidents

#: The running ones that words are compared with, and how many are shown.
MOST_COMPARED, MOST_SHOWN = 200, 4


def list_alike(
    *, environment_key: str, text: str, flag_keys: Sequence[str] = (), site_keys: Sequence[str] = ()
) -> list[Incident]:
    """Return the running incidents like the words, or about the same flag, those most alike first: one query.

    Where a site is named as well, one there comes before one elsewhere.
    """
    rows = open_incidents(environment_key=environment_key).filter(is_rehearsal=False).order_by("-pk")[:MOST_COMPARED]
    said, flags, sites = plain(text), set(flag_keys), set(site_keys)
    ranked = [(max(likeness(said, plain(one.title)), 1.0 if flags & set(one.flag_keys) else 0.0), one) for one in rows]
    alike = [(rank, bool(sites & set(one.site_keys)), one.pk, one) for rank, one in ranked if rank >= SIMILAR]
    return [one for *_order, one in sorted(alike, key=lambda row: row[:3], reverse=True)[:MOST_SHOWN]]
