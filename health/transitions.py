"""Writes of health: samples, verdicts, complaints."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment, Flag, Site
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS
from health.domain.exposure import Exposure
from health.domain.samples import SampleValue
from health.domain.verdict import Judgement
from health.models import (
    Complaint,
    ComplaintSeverity,
    ComplaintStatus,
    ComplaintText,
    Sample,
    StoredVerdict,
)


@transaction.atomic
def record_samples(*, token_id: int, environment_id: int, values: Sequence[SampleValue], now: datetime) -> int:
    """Store the samples that are new to their token; return how many. The same id twice counts once."""
    sites = dict(Site.objects.values_list("key", "pk"))
    flags = dict(Flag.objects.values_list("key", "pk"))
    fresh = {value.client_id: value for value in reversed(values)}
    # In one order everywhere: two clients that repeat each other's samples wait, and do not deadlock.
    rows = [
        Sample(
            token_id=token_id,
            client_id=value.client_id,
            environment_id=environment_id,
            site_id=sites[value.site_key],
            flag_id=flags[value.flag_key] if value.flag_key else None,
            till=value.till,
            release=value.release,
            transaction=value.transaction,
            received_at=now,
            start_at=value.start_at,
            ends_at=value.ends_at,
            requests=value.requests,
            errors=value.errors,
            critical_errors=value.critical_errors,
            integrity_errors=value.integrity_errors,
            latency=value.latency,
        )
        for _, value in sorted(fresh.items())
    ]
    return _insert_new(rows)


def _insert_new(rows: Sequence[Sample]) -> int:
    """Insert the samples that are not there yet; return how many.

    `bulk_create(ignore_conflicts=True)` cannot tell how many it wrote; RETURNING can, also when
    the same samples arrive twice at once.
    """
    if not rows:
        return 0
    fields = [field for field in Sample._meta.concrete_fields if not field.primary_key]
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    statement = (
        f"INSERT INTO {quote(Sample._meta.db_table)} ({columns})"  # noqa: S608  # names of our own model
        f" VALUES {', '.join([f'({places})'] * len(rows))}"
        ' ON CONFLICT ("token_id", "client_id") DO NOTHING RETURNING 1'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for row in values for value in row])
        return len(cursor.fetchall())


@transaction.atomic
def store_judgement(*, judgement: Judgement, exposure: Exposure, now: datetime) -> bool:
    """Store a verdict where it differs from the last on this flag, subject and epoch; True if stored."""
    last = (
        StoredVerdict.objects.filter(
            subject=exposure.subject, epoch=exposure.epoch, flag_key=exposure.flag_key, lane=judgement.lane
        )
        .order_by("-pk")
        .values_list("verdict", "code")
        .first()
    )
    if last == (str(judgement.verdict), judgement.code):
        return False
    StoredVerdict.objects.create(
        subject=exposure.subject,
        epoch=exposure.epoch,
        lane=judgement.lane,
        environment_key=exposure.environment_key,
        flag_key=exposure.flag_key,
        verdict=judgement.verdict,
        at=now,
        n=judgement.n,
        k=judgement.k,
        window_start=judgement.window_start,
        window_end=judgement.window_end,
        threshold=judgement.threshold,
        code=judgement.code,
        bound_bp=judgement.bound_bp,
        baseline_bp=judgement.baseline_bp,
        data=dict(judgement.data),
    )
    return True


@transaction.atomic
def log_complaint(
    *,
    environment_id: int,
    site_id: int,
    flag_id: int | None,
    text: str,
    severity: str,
    reporter: str,
    actor: Actor,
    now: datetime,
    request_id: str = "",
) -> Complaint:
    """Log what somebody at a till complains of. A wish with a name of its own, asked again, is answered as before."""
    text, reporter = _check_words(text, reporter, severity)
    if not Site.objects.filter(pk=site_id).exists():
        raise InvalidInput("site_unknown", site=site_id)
    if not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("environment_unknown", environment=environment_id)
    if flag_id is not None and not Flag.objects.filter(pk=flag_id).exists():
        raise InvalidInput("flag_unknown", flag=flag_id)
    if request_id:
        said = {"site_id": site_id, "flag_id": flag_id, "severity": severity}
        logged = _find_logged(environment_id, request_id, text=text, reporter=reporter, **said)
        if logged is not None:
            return logged
    with recorded(actor=actor, reason="Complaint logged", now=now):
        complaint = Complaint(
            environment_id=environment_id,
            site_id=site_id,
            flag_id=flag_id,
            severity=severity,
            request_id=request_id,
            logged_at=now,
            logged_by_id=actor.user_id,
        )
        complaint.save()
        ComplaintText.objects.create(complaint=complaint, text=text, reporter=reporter)
    return complaint


def _check_words(text: str, reporter: str, severity: str) -> tuple[str, str]:
    """Return text and reporter without surrounding space; refuse what cannot be kept."""
    text, reporter = text.strip(), reporter.strip()
    if not text:
        raise InvalidInput("complaint_empty")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidInput("complaint_too_long", limit=MAX_TEXT_CHARACTERS)
    if len(reporter) > MAX_REPORTER_CHARACTERS:
        raise InvalidInput("reporter_too_long", limit=MAX_REPORTER_CHARACTERS)
    if "\x00" in text + reporter:
        raise InvalidInput("complaint_unreadable")
    if severity not in ComplaintSeverity.values:
        raise InvalidInput("severity_unknown", severity=severity)
    return text, reporter


def _find_logged(environment_id: int, request_id: str, *, text: str, reporter: str, **said: object) -> Complaint | None:
    """Return what was logged by the same wish before, alone with it from here on; refuse its name on another."""
    Environment.objects.select_for_update(no_key=True).filter(pk=environment_id).first()
    rows = Complaint.objects.filter(environment=environment_id, request_id=request_id)
    logged = rows.select_related("words").first()
    if logged is None:
        return None
    words = getattr(logged, "words", None)
    is_other = any(getattr(logged, name) != value for name, value in said.items())
    if is_other or (words is not None and (words.text, words.reporter) != (text, reporter)):
        raise Refusal("complaint_id_reused", request=request_id)
    return logged


@transaction.atomic
def log_duplicate(*, original_id: int, actor: Actor, now: datetime, **given: Any) -> Complaint:
    """Log what repeats another complaint, linked to it: that two people said it is known, it counts once.

    Without a flag of its own it suspects what the other one does.
    """
    if given["flag_id"] is None:
        given["flag_id"] = Complaint.objects.filter(pk=original_id).values_list("flag_id", flat=True).first()
    complaint = log_complaint(actor=actor, now=now, **given)
    return mark_duplicate(
        complaint_id=complaint.pk, original_id=original_id, actor=actor, reason="Logged as the same one", now=now
    )


@transaction.atomic
def forget_words(*, logged_before: datetime, at_most: int) -> int:
    """Delete the words and names of complaints logged before a moment, oldest first; return how many.

    The complaint itself stays: it counts, and history points at it. Nothing of the words is in history.
    """
    rows = ComplaintText.objects.select_for_update(of=("self",), skip_locked=True)
    old = rows.filter(complaint__logged_at__lt=logged_before).order_by("complaint__logged_at", "pk")
    deleted, _by_model = ComplaintText.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:at_most])).delete()
    return deleted


@transaction.atomic
def forget_samples(*, received_before: datetime, at_most: int) -> int:
    """Delete samples received before a moment, oldest first; return how many."""
    old = Sample.objects.filter(received_at__lt=received_before).order_by("pk").values("pk")[:at_most]
    deleted, _by_model = Sample.objects.filter(pk__in=old).delete()
    return deleted


@transaction.atomic
def mark_duplicate(*, complaint_id: int, original_id: int, actor: Actor, reason: str, now: datetime) -> Complaint:
    """Link a complaint to the one it repeats; it no longer counts."""
    both = Complaint.objects.select_for_update(of=("self",)).filter(pk__in=[complaint_id, original_id]).order_by("pk")
    found = {one.pk: one for one in both}
    original, complaint = found.get(original_id), found.get(complaint_id)
    if complaint is None:
        raise InvalidInput("complaint_unknown", complaint=complaint_id)
    if original is None or original is complaint or original.status != ComplaintStatus.NEW:
        raise InvalidInput("original_unknown", complaint=original_id)
    if original.environment_id != complaint.environment_id:
        raise InvalidInput("original_unknown", complaint=original_id)
    return _mark(complaint, ComplaintStatus.DUPLICATE, original, actor=actor, reason=reason, now=now)


@transaction.atomic
def mark_spam(*, complaint_id: int, actor: Actor, reason: str, now: datetime) -> Complaint:
    """Mark a complaint that is none; it no longer counts."""
    complaint = Complaint.objects.select_for_update(of=("self",)).filter(pk=complaint_id).first()
    if complaint is None:
        raise InvalidInput("complaint_unknown", complaint=complaint_id)
    return _mark(complaint, ComplaintStatus.SPAM, None, actor=actor, reason=reason, now=now)


def _mark(
    complaint: Complaint,
    status: ComplaintStatus,
    original: Complaint | None,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
) -> Complaint:
    if complaint.status != ComplaintStatus.NEW:
        raise Refusal("changed_meanwhile")
    if complaint.duplicates.exists():
        raise Refusal("complaint_has_duplicates")
    with recorded(actor=actor, reason=reason, now=now):
        complaint.status = status
        complaint.duplicate_of = original
        complaint.save()
    return complaint
