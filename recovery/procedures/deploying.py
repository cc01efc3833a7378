"""Puts a release on a target: restore point first, then the image, the migrations, and a look whether it is well."""

from typing import Any

from core import clock
from recovery.commands import compose
from recovery.domain.lifecycle import PointStatus
from recovery.domain.reversals import list_new
from recovery.errors import Failure
from recovery.jobs import Job, Plan, Proof, Step, StepSkipped
from recovery.models import RestorePoint, Target
from recovery.procedures import application
from recovery.procedures.application import project_of, run_in
from recovery.procedures.reversing import list_way_back, read_ledger
from recovery.procedures.taking import TAKING
from recovery.transitions.deploying import note_deployment, note_reversals


def note(job: Job) -> Proof:
    """What is about to be deployed is on record, with what to go back to."""
    before = str(job.state.get("before") or "")
    deployment = note_deployment(operation_id=job.operation_id, previous_image=before, now=clock.now())
    return {"deployment": deployment.pk, "previous_image": before}


def migrate(job: Job) -> Proof:
    """The new image's migrations have run forward."""
    if not job.target.migrate:
        raise StepSkipped("no_migrate_command")
    points = RestorePoint.objects.filter(operation_id=job.operation_id, status=PointStatus.VERIFIED)
    if job.target.database and not points.exists():
        raise Failure("no_restore_point")
    job.remember(is_touched=True, ledger=job.state.get("ledger", read_ledger(job)))
    try:
        said = run_in(job, str(job.wish["image"]), job.target.migrate, failure="migrate_failed")
    finally:
        # Some may have run before one failed: the way back is for them as well.
        ran = list_new(job.state["ledger"], read_ledger(job))
        way = list_way_back(job, job.state["ledger"], ran)
        note_reversals(operation_id=job.operation_id, reversals=way, now=clock.now())
    return {**said, "migrations": ran}


def undo(job: Job) -> Proof:
    """The application runs again from the image it had; migrations that ran stay, a rollback takes them back."""
    before = str(job.state.get("before") or "")
    if not before or not job.state.get("is_touched"):
        return {}
    compose.bring_up(project_of(job), before)
    return {"application_started": before}


def plan_deploying(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of a deployment; a target without a database needs no restore point."""
    take = [step for step in TAKING if target.database and step.code != "expire"]
    steps = [
        Step("check_image", application.check_image),
        Step("note", note),
        *take,
        Step("migrate", migrate),
        Step("bring_up", application.bring_up),
        Step("watch", application.watch),
        Step("smoke", application.smoke),
        Step("note_live", application.note_live),
        *(step for step in TAKING if target.database and step.code == "expire"),
    ]
    return Plan(steps, undo=undo)
