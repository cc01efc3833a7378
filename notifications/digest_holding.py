"""Which mails of a message are sent at once, and which wait for their readers' digests."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from core.models import User
from notifications.domain.mail_modes import MailMode, choose_mode
from notifications.labels import find_group
from notifications.models import Delivery, Event, HeldMessage
from notifications.personal_queries import map_preferences


@dataclass(frozen=True)
class Held:
    """What waits for a reader's digest, the oldest first: what they have not read in their inbox, and what they did."""

    unread: list[HeldMessage]
    read: list[HeldMessage]


def hold_back(event: Event, readers: Collection[User], *, is_quiet: bool) -> frozenset[int]:
    """Return who is mailed at once; what others read in their digest waits for it: two queries, none for nobody.

    `is_quiet`: the inbox alone has it, whatever anybody chose. Who has no address is sent none, and holds nothing.
    """
    reached = {user.pk for user in readers if user.email}
    if is_quiet or not reached:
        return frozenset()
    group = find_group(event.kind)
    chosen = map_preferences(reached)
    modes = {pk: choose_mode(event.kind, group=group, choice=one.choice) for pk, one in chosen.items()}
    held = [HeldMessage(event=event, reader_id=pk) for pk, mode in modes.items() if mode is MailMode.DIGEST]
    HeldMessage.objects.bulk_create(held)
    return frozenset(pk for pk, mode in modes.items() if mode is MailMode.AT_ONCE)


def list_held(reader_ids: Collection[int]) -> dict[int, Held]:
    """Return what waits for each reader's digest: two queries."""
    rows = HeldMessage.objects.filter(reader__in=reader_ids, settled_at=None).select_related("event").order_by("pk")
    held = list(rows)
    inbox = Delivery.objects.filter(recipient__in=reader_ids, event__in=[row.event_id for row in held])
    read = set(inbox.filter(read_at__isnull=False).values_list("event_id", "recipient_id"))
    found: dict[int, Held] = {pk: Held([], []) for pk in reader_ids}
    for row in held:
        of_reader = found[row.reader_id]
        (of_reader.read if (row.event_id, row.reader_id) in read else of_reader.unread).append(row)
    return found


def settle_held(rows: Collection[HeldMessage], *, digest: Event | None, now: datetime) -> None:
    """Note that messages wait no more: a digest told of them, or they were read before it."""
    HeldMessage.objects.filter(pk__in=[row.pk for row in rows], settled_at=None).update(settled_at=now, digest=digest)
