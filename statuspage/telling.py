"""Readers who subscribed are told what stands newly on the page: the same words, once each."""

from datetime import datetime, timedelta

from notifications.contact_models import Contact, ContactStatus, Purpose
from notifications.subscribing import tell_subscribers
from statuspage.page import LANGUAGES, compose_page
from statuspage.queries import read_facts

#: What is older was told, or is no news any more: who subscribes now is not told of the last ninety days.
FRESH = timedelta(hours=1)
PAGE_URL = "/status/"


def tell_readers(*, now: datetime) -> int:
    """Tell subscribers of every public word of the last hour that they were not told of; return how many are new."""
    if not Contact.objects.filter(purpose=Purpose.STATUS, status=ContactStatus.ACTIVE).exists():
        return 0
    facts = read_facts(now=now)
    pages = {language: compose_page(facts, language) for language in LANGUAGES}
    told = 0
    for incidents in zip(*(page.incidents for page in pages.values()), strict=True):
        by_language = dict(zip(pages, incidents, strict=True))
        first = incidents[0]
        for place, update in enumerate(first.updates):
            if now - update.at > FRESH:
                continue
            data = {
                "announced_title": {language: one.name for language, one in by_language.items()},
                "announced_text": {language: one.updates[place].body for language, one in by_language.items()},
            }
            event = tell_subscribers(
                kind="status_update",
                data=data,
                topics=[str(one.facts.id) for one in first.components],
                dedupe_key=f"status:{first.facts.id}:{update.id}",
                url=PAGE_URL,
                now=now,
            )
            told += event is not None
    return told
