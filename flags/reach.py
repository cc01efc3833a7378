"""How far a change has come: which tills have fetched it, and who is silent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from flags.models import Environment, StateRevision, TillContact

#: A till that has fetched nothing for so long is no longer waited for.
WAITED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class SilentTill:
    """A till that has not fetched the change, and the phone beside it."""

    name: str
    site_name: str
    phone: str
    last_at: datetime


@dataclass(frozen=True)
class Confirmation:
    """Of a flag's last change in an environment: how many of the tills that fetch there have it.

    `changed_at` is None where nothing ever changed since reach is counted.
    """

    confirmed: int
    total: int
    silent: Sequence[SilentTill]
    changed_at: datetime | None

    @property
    def is_complete(self) -> bool:
        return not self.silent


def confirm_flags(
    *, environment_id: int, flag_ids: Collection[int], now: datetime, site_ids: Collection[int] | None = None
) -> dict[int, Confirmation]:
    """Return each flag's confirmation by its primary key: two queries. `site_ids` narrows the tills."""
    changes = {
        row.state.flag_id: row
        for row in StateRevision.objects.filter(
            state__environment_id=environment_id, state__flag_id__in=flag_ids
        ).select_related("state")
    }
    contacts = _list_contacts(now=now).filter(environment_id=environment_id)
    if site_ids is not None:
        contacts = contacts.filter(till__site_id__in=site_ids)
    tills = list(contacts)
    return {flag_id: _confirm(changes.get(flag_id), tills) for flag_id in flag_ids}


def confirm_flag(flag_id: int, *, now: datetime) -> Mapping[int, Confirmation]:
    """Return a flag's confirmation in every environment, by the environment's primary key: three queries."""
    changes = {
        row.state.environment_id: row
        for row in StateRevision.objects.filter(state__flag_id=flag_id).select_related("state")
    }
    tills: dict[int, list[TillContact]] = {}
    for row in _list_contacts(now=now):
        tills.setdefault(row.environment_id, []).append(row)
    places = Environment.objects.values_list("pk", flat=True)
    return {place: _confirm(changes.get(place), tills.get(place, [])) for place in places}


def _list_contacts(*, now: datetime) -> QuerySet[TillContact]:
    rows = TillContact.objects.filter(seen_at__gte=now - WAITED_FOR).select_related("till__site")
    return rows.order_by("till__site__name", "till__name")


def _confirm(change: StateRevision | None, tills: Sequence[TillContact]) -> Confirmation:
    revision = change.revision if change else 0
    silent = [
        SilentTill(row.till.name, row.till.site.name, row.till.site.phone, row.seen_at)
        for row in tills
        if row.revision < revision
    ]
    return Confirmation(len(tills) - len(silent), len(tills), silent, change.changed_at if change else None)
