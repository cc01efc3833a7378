"""Writes of health: samples, verdicts, complaints."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment, Flag, Site
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

MAX_TEXT_CHARACTERS = 4_000
MAX_REPORTER_CHARACTERS = 100


@transaction.atomic
def record_samples(*, token_id: int, environment_id: int, values: Sequence[SampleValue], now: datetime) -> int:
    """Store the samples that are new to their token; return how many. The same id twice counts once."""
    sites = dict(Site.objects.values_list("key", "pk"))
    flags = dict(Flag.objects.values_list("key", "pk"))
    fresh = {value.client_id: value for value in reversed(values)}
    before = set(
        Sample.objects.filter(token_id=token_id, client_id__in=fresh).values_list("client_id", flat=True)
    )
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
        for value in fresh.values()
        if value.client_id not in before
    ]
    Sample.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


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
) -> Complaint:
    """Log what somebody at a till complains of."""
    text, reporter = text.strip(), reporter.strip()
    if not text:
        raise InvalidInput("complaint_empty")
    if len(text) > MAX_TEXT_CHARACTERS or len(reporter) > MAX_REPORTER_CHARACTERS:
        raise InvalidInput("complaint_too_long", limit=MAX_TEXT_CHARACTERS)
    if severity not in ComplaintSeverity.values:
        raise InvalidInput("severity_unknown", severity=severity)
    if not Site.objects.filter(pk=site_id).exists() or not Environment.objects.filter(pk=environment_id).exists():
        raise InvalidInput("site_unknown", site=site_id)
    if flag_id is not None and not Flag.objects.filter(pk=flag_id).exists():
        raise InvalidInput("flag_unknown", flag=flag_id)
    with recorded(actor=actor, reason="Complaint logged", now=now):
        complaint = Complaint(
            environment_id=environment_id,
            site_id=site_id,
            flag_id=flag_id,
            severity=severity,
            logged_at=now,
            logged_by_id=actor.user_id,
        )
        complaint.save()
        ComplaintText.objects.create(complaint=complaint, text=text, reporter=reporter)
    return complaint


@transaction.atomic
def mark_duplicate(*, complaint_id: int, original_id: int, actor: Actor, reason: str, now: datetime) -> Complaint:
    """Link a complaint to the one it repeats; it no longer counts."""
    original = Complaint.objects.filter(pk=original_id, status=ComplaintStatus.NEW).first()
    if original is None or original.pk == complaint_id:
        raise InvalidInput("original_unknown", complaint=original_id)
    return _mark(complaint_id, ComplaintStatus.DUPLICATE, original, actor=actor, reason=reason, now=now)


@transaction.atomic
def mark_spam(*, complaint_id: int, actor: Actor, reason: str, now: datetime) -> Complaint:
    """Mark a complaint that is none; it no longer counts."""
    return _mark(complaint_id, ComplaintStatus.SPAM, None, actor=actor, reason=reason, now=now)


def _mark(
    complaint_id: int, status: ComplaintStatus, original: Complaint | None, *, actor: Actor, reason: str, now: datetime
) -> Complaint:
    complaint = Complaint.objects.select_for_update(of=("self",)).filter(pk=complaint_id).first()
    if complaint is None:
        raise InvalidInput("complaint_unknown", complaint=complaint_id)
    if complaint.status != ComplaintStatus.NEW or complaint.duplicates.exists():
        raise Refusal("changed_meanwhile")
    with recorded(actor=actor, reason=reason, now=now):
        complaint.status = status
        complaint.duplicate_of = original
        complaint.save()
    return complaint
