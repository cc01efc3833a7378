"""What the database itself refuses of health's rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.actors import DEMO
from core.history import recorded
from health.models import Complaint, Guardrail, LaneMemory, Sample, StoredVerdict
from tests.factories.core import NOW
from tests.factories.flags import make_environment, make_site, make_token
from tests.factories.health import make_complaint, make_sample
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"status": "lost"}, "health_complaint_status_known"),
        ({"severity": "huge"}, "health_severity_known"),
        ({"status": "duplicate"}, "health_duplicate_of_something"),
    ],
)
def test_complaint__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    complaint = make_complaint(make_environment(), site=make_site())

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Complaint.objects.filter(pk=complaint.pk).update(**values)


def test_complaint__repeating_itself__is_refused() -> None:
    complaint = make_complaint(make_environment(), site=make_site())

    with pytest.raises(IntegrityError, match="health_duplicate_of_another"), transaction.atomic():
        Complaint.objects.filter(pk=complaint.pk).update(status="duplicate", duplicate_of=complaint)


@pytest.mark.parametrize("seconds", [0, -1])
def test_sample__that_ends_before_it_began__is_refused(seconds: int) -> None:
    make_sample(make_token(make_environment())[0], site=make_site())
    sample = Sample.objects.get()

    with pytest.raises(IntegrityError, match="health_sample_forward"), transaction.atomic():
        Sample.objects.filter(pk=sample.pk).update(ends_at=sample.start_at + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"verdict": "perhaps"}, "health_verdict_known"),
        ({"lane": "slow"}, "health_verdict_lane_known"),
        ({"bound_bp": 10_001}, "health_verdict_shares"),
        ({"baseline_bp": 10_001}, "health_verdict_shares"),
        ({"n": -1}, "health_storedverdict_n_check"),
        ({"k": -1}, "health_storedverdict_k_check"),
    ],
)
def test_verdict__impossible_values__are_refused(values: dict[str, Any], name: str) -> None:
    given: dict[str, Any] = {
        "subject": "rollout:1",
        "epoch": 1,
        "lane": "critical",
        "environment_key": "prod",
        "flag_key": "buttons",
        "verdict": "pass",
        "at": NOW,
        "n": 10,
        "k": 0,
        "window_start": NOW,
        "window_end": NOW,
        "threshold": "3",
        "code": "no_critical_errors",
    }
    StoredVerdict.objects.create(**given)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        StoredVerdict.objects.create(**(given | values))


def test_lane_memory__unknown_lane__is_refused() -> None:
    given: dict[str, Any] = {"subject": "rollout:1", "flag_key": "buttons", "data": {}, "written_at": NOW}
    LaneMemory.objects.create(lane="error_rate", **given)

    with pytest.raises(IntegrityError, match="health_lane_memory_lane_known"), transaction.atomic():
        LaneMemory.objects.create(lane="critical", **given)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"lane": "critical"}, "health_guardrail_lane_known"),
        ({"mode": "panic"}, "health_guardrail_mode_known"),
        ({"scope": "shop"}, "health_guardrail_scope_known"),
        ({"threshold_bp": 1_001}, "health_guardrail_threshold"),
        ({"lane": "performance", "threshold_bp": 499}, "health_guardrail_threshold"),
        ({"cool_down_minutes": 1_441}, "health_guardrail_cool_down"),
    ],
)
def test_guardrail__what_it_cannot_be__is_refused(values: dict[str, Any], name: str) -> None:
    environment = make_world().environment
    given: dict[str, Any] = {"lane": "error_rate", "mode": "hold", "threshold_bp": 500}

    with (
        recorded(actor=DEMO, reason="To try", now=NOW),
        pytest.raises(IntegrityError, match=name),
        transaction.atomic(),
    ):
        Guardrail.objects.create(environment=environment, **(given | values))
