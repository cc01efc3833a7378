"""Complaints from a file: looked at first, then all of them or none; the same line again is no second complaint."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.crypto import salted_hmac

from core.actors import Actor
from core.errors import InvalidInput
from core.history import create_many, recorded
from core.reasons import write_reason
from flags.models import Environment, Flag, Site
from health.domain.complaint_file import MOST_BYTES, Fault, Known, Line, Place, read_file
from health.models import Complaint, ComplaintSeverity, ComplaintText

#: Before a line's fingerprint: a program's name for a wish has another one.
FROM_FILE = "csv:"


@dataclass(frozen=True)
class Imported:
    """What a file brings: the lines that are new, how many are there already, and what is wrong."""

    lines: Sequence[Line]
    known: int
    faults: Sequence[Fault]


def preview_import(*, source: bytes | str, environment_id: int, now: datetime) -> Imported:
    """Return what a file would bring; writes nothing. Refuses one that is no text, or too large."""
    reading = read_file(read_text(source), known=_list_known(), now=now)
    ids = name_lines(reading.lines)
    rows = Complaint.objects.filter(environment=environment_id, request_id__in=ids.values())
    there = set(rows.values_list("request_id", flat=True))
    fresh = [line for line in reading.lines if ids[line.number] not in there]
    return Imported(fresh, len(reading.lines) - len(fresh), reading.faults)


@transaction.atomic
def import_complaints(*, source: bytes | str, environment_id: int, actor: Actor, now: datetime) -> Imported:
    """Log a file's complaints that are new, at the moments that it names; with any fault, none of them."""
    # One import at a time in an environment: two with the same file at once write it once.
    if Environment.objects.select_for_update(no_key=True).filter(pk=environment_id).first() is None:
        raise InvalidInput("environment_unknown", environment=environment_id)
    found = preview_import(source=source, environment_id=environment_id, now=now)
    if found.faults:
        raise InvalidInput("import_faulty", count=len(found.faults))
    if not found.lines and not found.known:
        raise InvalidInput("import_empty")
    ids = name_lines(found.lines)
    sites, flags = (dict(model.objects.values_list("key", "pk")) for model in (Site, Flag))
    with recorded(actor=actor, reason=write_reason("complaint_imported"), now=now):
        rows = [
            Complaint(
                environment_id=environment_id,
                site_id=sites[line.site_key],
                flag_id=flags[line.flag_key] if line.flag_key else None,
                severity=line.severity,
                request_id=ids[line.number],
                logged_at=line.logged_at or now,
                logged_by_id=actor.user_id,
            )
            for line in found.lines
        ]
        create_many(rows)
        ComplaintText.objects.bulk_create(
            ComplaintText(complaint=row, text=line.text, reporter=line.reporter)
            for row, line in zip(rows, found.lines, strict=True)
        )
    return found


def read_text(source: bytes | str) -> str:
    """Return a file's text, without the mark that spreadsheets put before it; refuse what is no UTF-8 or too large."""
    raw = source.encode(errors="surrogatepass") if isinstance(source, str) else source
    if len(raw) > MOST_BYTES:
        raise InvalidInput("import_too_large", bytes=MOST_BYTES)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("file_not_utf8") from None


def name_lines(lines: Iterable[Line]) -> dict[int, str]:
    """Return the name of each line's wish, by its number: a keyed fingerprint, from which nobody reads the words."""
    return {line.number: FROM_FILE + _fingerprint(line) for line in lines}


def _fingerprint(line: Line) -> str:
    moment = line.logged_at.isoformat() if line.logged_at else ""
    said = (line.site_key, line.text, line.severity, line.flag_key, line.reporter, moment, str(line.nth))
    return salted_hmac("health.import", "\x00".join(said), algorithm="sha256").hexdigest()


def _list_known() -> Known:
    """Return what a file may name: three queries."""
    sites = list(Site.objects.values_list("key", "name", "time_zone"))
    places = {key: Place(key, ZoneInfo(zone)) for key, _name, zone in sites}
    flags = list(Flag.objects.filter(archived_at=None).values_list("key", "name"))
    return Known(
        sites={name.casefold(): places[key] for key, name, _zone in sites}
        | {key.casefold(): place for key, place in places.items()},
        flags={name.casefold(): key for key, name in flags} | {key.casefold(): key for key, _name in flags},
        severities=_list_severities(),
        usual_severity=ComplaintSeverity.ANNOYING,
    )


def _list_severities() -> Mapping[str, str]:
    """Return the code of each severity by itself and by its words in every language."""
    found = {str(one): str(one) for one in ComplaintSeverity.values}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {str(words).casefold(): str(code) for code, words in ComplaintSeverity.choices}
    return found
