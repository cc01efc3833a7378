"""What stands in the places of an announcement's words: read from its rollout, incident and environment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.utils import translation
from django.utils.timezone import localtime

from announcements.models import Announcement, Hotline
from core.templatetags.portal import say_local
from flags.models import Environment, Site
from notices.helplines import Helpline
from rollouts.labels import PHASES
from rollouts.models import Phase, PhaseStatus, Rollout


def find_hotline(environment_id: int | None) -> Hotline | None:
    """Return the hotline of an environment, None where none is set."""
    return Hotline.objects.filter(environment=environment_id).first() if environment_id else None


def read_helpline(environment_id: int) -> Helpline | None:
    """Return the hotline of an environment as what is read beside a till names it: one query."""
    hotline = find_hotline(environment_id)
    if hotline is None or not hotline.phone:
        return None
    return Helpline(hotline.phone, hotline.hours_fr, hotline.hours_en)


def read_values(
    announcement: Announcement, *, language: str, site_keys: Collection[str], is_everywhere: bool, now: datetime
) -> dict[str, str]:
    """Return the value of each place in a language, empty where it has none: at most six queries."""
    with translation.override(language):
        return {
            "environment": announcement.environment.name,
            "starts": _say_moment(announcement.starts_at),
            "ends": _say_moment(announcement.ends_at),
            "next_update": _say_moment(announcement.next_update_at),
            "now": _say_moment(now),
            "sites": _say_sites(site_keys, is_everywhere=is_everywhere),
            **_read_hotline(announcement.environment, language),
            **_read_rollout(announcement),
            **_read_incident(announcement),
        }


def _say_moment(moment: datetime | None) -> str:
    return "" if moment is None else say_local(localtime(moment))


def _say_sites(site_keys: Collection[str], *, is_everywhere: bool) -> str:
    if is_everywhere or not site_keys:
        return ""
    return _list_words(list(Site.objects.filter(key__in=site_keys).values_list("name", flat=True)))


def _list_words(words: Sequence[str]) -> str:
    return ", ".join(words)


def _read_hotline(environment: Environment, language: str) -> Mapping[str, str]:
    hotline = find_hotline(environment.pk)
    if hotline is None:
        return {}
    return {"hotline": hotline.phone, "hotline_hours": hotline.hours_fr if language == "fr" else hotline.hours_en}


def _read_rollout(announcement: Announcement) -> Mapping[str, str]:
    rollout = announcement.rollout or (announcement.incident.rollout if announcement.incident else None)
    if rollout is None:
        return {}
    names = rollout.rollout_flags.order_by("position").values_list("flag__name", flat=True)
    values = {
        "release": rollout.release.version,
        "release_name": rollout.release.name,
        "flags": _list_words(list(names)),
    }
    current, following = _find_phases(rollout)
    if current is not None:
        values["phase"] = str(PHASES[current.kind])
    if following is not None:
        values["next_phase"] = str(PHASES[following.kind])
    if announcement.starts_at is None:
        values["starts"] = _say_moment(rollout.start_at)
    return values


def _find_phases(rollout: Rollout) -> tuple[Phase | None, Phase | None]:
    """Return the phase that runs, the first one before any does, and the one after it: one query."""
    phases = list(rollout.phases.order_by("position"))
    place = next((place for place, one in enumerate(phases) if one.status == PhaseStatus.RUNNING), None)
    if place is None:
        return (phases[0], None) if phases else (None, None)
    return phases[place], next(iter(phases[place + 1 :]), None)


def _read_incident(announcement: Announcement) -> Mapping[str, str]:
    incident = announcement.incident
    if incident is None:
        return {}
    return {"incident": str(incident.pk), "incident_title": incident.title, "since": _say_moment(incident.detected_at)}
