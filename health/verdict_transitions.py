"""Writes verdicts where they change."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from health.domain.exposure import Exposure
from health.domain.verdict import Judgement
from health.models import StoredVerdict

Told = tuple[Exposure, Judgement]


@transaction.atomic
def store_judgement(*, judgement: Judgement, exposure: Exposure, now: datetime) -> bool:
    """Store a verdict where it differs from the last on this flag, subject and epoch; True if stored."""
    return store_judgements([(exposure, judgement)], now=now)[0]


def store_judgements(told: Sequence[Told], *, now: datetime) -> list[bool]:
    """Store each verdict that differs from the last of its lane on its flag and epoch; tell which: two queries."""
    last = _read_last({exposure.subject for exposure, _judgement in told})
    is_new = [
        last.get((exposure.subject, exposure.epoch, judgement.flag_key, judgement.lane))
        != (str(judgement.verdict), judgement.code)
        for exposure, judgement in told
    ]
    StoredVerdict.objects.bulk_create(
        [_make(exposure, judgement, now=now) for (exposure, judgement), new in zip(told, is_new, strict=True) if new]
    )
    return is_new


def _read_last(subjects: set[str]) -> dict[tuple[str, int, str, str], tuple[str, str]]:
    rows = StoredVerdict.objects.filter(subject__in=subjects).order_by("subject", "flag_key", "lane", "-pk")
    newest = rows.distinct("subject", "flag_key", "lane")
    names = ("subject", "epoch", "flag_key", "lane", "verdict", "code")
    return {
        (s, epoch, flag, lane): (verdict, code) for s, epoch, flag, lane, verdict, code in newest.values_list(*names)
    }


def _make(exposure: Exposure, judgement: Judgement, *, now: datetime) -> StoredVerdict:
    return StoredVerdict(
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
