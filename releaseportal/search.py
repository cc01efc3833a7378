"""The search over everything: what there is to do, where to go, and what the apps find.

A source belongs to a capability: nobody finds what they may not open.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from announcements.labels import KINDS
from announcements.labels import STATUSES as ANNOUNCEMENT_STATUSES
from announcements.queries import find_announced
from core import clock
from core.fulltext import compose_query
from core.roles import Capability, can
from core.searching import find_number, is_said, split_words
from flags.models import Environment
from flags.queries import search_flags, search_segments, search_sites
from health.search_queries import search_complaints
from incidents.labels import STAGES, TIERS
from incidents.labels import STATUSES as INCIDENT_STATUSES
from incidents.search_queries import search_post_mortems, search_titles
from releaseportal.context import RAIL
from rollouts.domain.lifecycle import UNDER_WAY
from rollouts.labels import STATUSES as ROLLOUT_STATUSES
from rollouts.queries import list_rollouts, search_releases, search_rollouts

MOST_CHARACTERS_SHOWN = 90

#: Words, address, and the capability it asks for.
ACTIONS: tuple[tuple[str | Promise, str, Capability], ...] = (
    (_("Log a complaint"), "health:log_complaint", Capability.LOG_COMPLAINTS),
    (_("Import complaints"), "health:import", Capability.LOG_COMPLAINTS),
    (_("Declare an incident"), "incidents:declare", Capability.HANDLE_INCIDENTS),
    (_("Tell the tills"), "notices:new", Capability.HANDLE_INCIDENTS),
    (_("New announcement"), "announcements:new", Capability.DRAFT_ANNOUNCEMENTS),
    (_("Plan a rollout"), "rollouts:plan", Capability.DRIVE_ROLLOUTS),
    (_("New risk"), "rollouts:risk_new", Capability.DRIVE_ROLLOUTS),
    (_("New flag"), "flags:new", Capability.EDIT_FLAGS),
    (_("New segment"), "flags:segment_new", Capability.EDIT_FLAGS),
    (_("New site"), "flags:site_new", Capability.EDIT_FLAGS),
    (_("New environment"), "flags:environment_new", Capability.MANAGE_ENVIRONMENTS),
)

#: Pages beside those of the rail.
PAGES: tuple[tuple[str | Promise, str, Capability], ...] = (
    (_("What is due"), "notifications:due", Capability.VIEW),
    (_("Releases"), "rollouts:releases", Capability.VIEW),
    (_("What can be removed"), "flags:removal", Capability.VIEW),
    (_("Measures"), "incidents:measures", Capability.VIEW),
    (_("Notices in the tills"), "notices:list", Capability.VIEW),
    (_("To be called back"), "incidents:call_backs", Capability.VIEW),
    (_("Search incidents, post-mortems and complaints"), "incidents:search", Capability.VIEW),
    (_("Recovery times of incidents"), "incidents:report", Capability.VIEW),
    (_("Investigations"), "rollouts:investigations", Capability.VIEW),
    (_("Risks"), "rollouts:risks", Capability.VIEW),
    (_("Freezes"), "rollouts:freezes", Capability.VIEW),
    (_("The next 48 hours"), "rollouts:agenda", Capability.VIEW),
    (_("Calendar feeds"), "rollouts:feeds", Capability.VIEW),
    (_("Segments"), "flags:segments", Capability.VIEW),
    (_("Environments"), "flags:environments", Capability.MANAGE_ENVIRONMENTS),
    (_("Inbox"), "notifications:inbox", Capability.VIEW),
    (_("REST API"), "api_docs", Capability.VIEW),
    (_("Broadcasts"), "notifications:broadcasts", Capability.VIEW),
    (_("Channels of teams"), "notifications:channels", Capability.VIEW),
    (_("Templates of announcements"), "announcements:templates", Capability.VIEW),
    (_("Hotlines"), "announcements:hotlines", Capability.VIEW),
    (_("Who was told what"), "notifications:ledger", Capability.VIEW),
    (_("Notifications and digest"), "notifications:personal", Capability.VIEW),
    (_("Status page"), "statuspage:settings", Capability.VIEW),
    (_("Password"), "account_change_password", Capability.VIEW),
    (_("Second factor"), "mfa_index", Capability.VIEW),
)


@dataclass(frozen=True)
class Hit:
    """Something found: its name, what tells it from others, and where it opens."""

    title: str
    detail: str
    url: str


@dataclass(frozen=True)
class Group:
    """What one source found; `has_more` tells that it found more than is shown."""

    key: str
    label: str | Promise
    hits: Sequence[Hit]
    has_more: bool


@dataclass(frozen=True)
class Wish:
    """Who searches for which words, looking at which environment; more than `limit` of a kind are not read.

    `query`: the same as full text asks for them (`core.fulltext`).
    """

    user: Any
    words: Sequence[str]
    query: str
    environment: Environment | None
    limit: int


@dataclass(frozen=True)
class Source:
    """Finds hits, the best first. A menu is short: it is shown whole, and also before anything is typed."""

    key: str
    label: str | Promise
    capability: Capability
    find: Callable[[Wish], Iterable[Hit]]
    is_menu: bool = False


def search(*, text: str, user: Any, environment: Environment | None, limit: int) -> list[Group]:
    """Return what a person finds, by source, at most `limit` of each: a query or two for each source that asks."""
    # One more than is shown tells whether there are more.
    wish = Wish(user, split_words(text), compose_query(text), environment, limit + 1)
    groups = []
    for source in SOURCES:
        if can(user, source.capability) and (wish.words or source.is_menu):
            found = list(source.find(wish))
            shown = found if source.is_menu else found[:limit]
            if found:
                groups.append(Group(source.key, source.label, shown, len(found) > len(shown)))
    return groups


def _find_actions(wish: Wish) -> Iterator[Hit]:
    if can(wish.user, Capability.DRIVE_ROLLOUTS):
        # In trouble this is what people come for: it stands first.
        for rollout in list_rollouts().filter(status__in=UNDER_WAY).order_by("is_rehearsal", "-pk")[: wish.limit]:
            title = gettext("Roll back %(rollout)s…") % {"rollout": rollout}
            if is_said(wish.words, title):
                status = str(ROLLOUT_STATUSES[rollout.status])
                yield Hit(title, status, reverse("rollouts:roll_back", args=[rollout.pk]))
    yield from _named(wish, ACTIONS)


def _find_pages(wish: Wish) -> Iterator[Hit]:
    yield from _named(wish, ((label, name, capability) for name, label, capability in RAIL))
    yield from _named(wish, PAGES)


def _named(wish: Wish, entries: Iterable[tuple[str | Promise, str, Capability]]) -> Iterator[Hit]:
    for label, name, capability in entries:
        if can(wish.user, capability) and is_said(wish.words, str(label)):
            yield Hit(str(label), "", reverse(name))


def _find_flags(wish: Wish) -> Iterator[Hit]:
    for flag in search_flags(wish.words)[: wish.limit]:
        archived = gettext("archived") if flag.archived_at else ""
        yield Hit(flag.name, _join(flag.key, archived), reverse("flags:detail", args=[flag.key]))


def _find_rollouts(wish: Wish) -> Iterator[Hit]:
    for rollout in search_rollouts(wish.words)[: wish.limit]:
        rehearsal = gettext("rehearsal") if rollout.is_rehearsal else ""
        detail = _join(ROLLOUT_STATUSES[rollout.status], rehearsal)
        yield Hit(str(rollout), detail, reverse("rollouts:detail", args=[rollout.pk]))


def _find_releases(wish: Wish) -> Iterator[Hit]:
    for release in search_releases(wish.words)[: wish.limit]:
        yield Hit(release.version, release.name, reverse("rollouts:release", args=[release.pk]))


def _find_sites(wish: Wish) -> Iterator[Hit]:
    for site in search_sites(wish.words)[: wish.limit]:
        yield Hit(site.name, _join(site.key, site.contact_name), reverse("flags:site", args=[site.key]))


def _find_segments(wish: Wish) -> Iterator[Hit]:
    for segment in search_segments(wish.words)[: wish.limit]:
        yield Hit(segment.name, segment.key, reverse("flags:segment", args=[segment.key]))


def _find_incidents(wish: Wish) -> Iterator[Hit]:
    for incident in search_titles(wish.query, number=find_number(wish.words), limit=wish.limit):
        detail = _join(INCIDENT_STATUSES[incident.status], TIERS[incident.tier], incident.environment.key)
        yield Hit(f"#{incident.pk} {incident.title}", detail, reverse("incidents:detail", args=[incident.pk]))


def _find_post_mortems(wish: Wish) -> Iterator[Hit]:
    for incident in search_post_mortems(wish.query, limit=wish.limit):
        detail = _join(STAGES[incident.post_mortem.status], incident.environment.key)
        yield Hit(f"#{incident.pk} {incident.title}", detail, reverse("incidents:post_mortem", args=[incident.pk]))


def _find_complaints(wish: Wish) -> Iterator[Hit]:
    if wish.environment is None:
        return
    number = find_number(wish.words)
    for row in search_complaints(wish.query, number=number, environment_id=wish.environment.pk, limit=wish.limit):
        words = row.words.text if hasattr(row, "words") else gettext("The words were deleted after their time.")
        detail = Truncator(words).chars(MOST_CHARACTERS_SHOWN)
        yield Hit(f"#{row.pk} {row.site.name}", detail, f"{reverse('health:complaints')}?number={row.pk}")


def _find_announcements(wish: Wish) -> Iterator[Hit]:
    for row in find_announced(wish.words, limit=wish.limit, now=clock.now()):
        announcement = row.announcement
        detail = _join(
            KINDS[announcement.kind], ANNOUNCEMENT_STATUSES[announcement.status], announcement.environment.key
        )
        title = row.titles.get((get_language() or "en")[:2]) or row.titles["fr"] or row.titles["en"]
        yield Hit(title or f"#{announcement.pk}", detail, reverse("announcements:detail", args=[announcement.pk]))


def _join(*parts: str | Promise) -> str:
    return " · ".join(str(part) for part in parts if part)


SOURCES: tuple[Source, ...] = (
    Source("actions", _("To do"), Capability.VIEW, _find_actions, is_menu=True),
    Source("flags", _("Flags"), Capability.VIEW, _find_flags),
    Source("rollouts", _("Rollouts"), Capability.VIEW, _find_rollouts),
    Source("releases", _("Releases"), Capability.VIEW, _find_releases),
    Source("incidents", _("Incidents"), Capability.VIEW, _find_incidents),
    Source("post-mortems", _("Post-mortems"), Capability.VIEW, _find_post_mortems),
    Source("complaints", _("Complaints"), Capability.VIEW, _find_complaints),
    Source("announcements", _("Announcements"), Capability.VIEW, _find_announcements),
    Source("sites", _("Sites"), Capability.VIEW, _find_sites),
    Source("segments", _("Segments"), Capability.VIEW, _find_segments),
    Source("pages", _("Pages"), Capability.VIEW, _find_pages, is_menu=True),
)
