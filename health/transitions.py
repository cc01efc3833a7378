"""Writes of health: verdicts, complaints."""

from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from core.errors import InvalidInput, Refusal
from core.history import recorded
from flags.models import Environment, Flag, Site
from health.domain.complaints import MAX_REPORTER_CHARACTERS, MAX_TEXT_CHARACTERS
from health.models import (
    Complaint,
    ComplaintSeverity,
    ComplaintStatus,
    ComplaintText,
)


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
