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
from recovery.procedures.taking import EXPIRE, TAKE_STEPS, clean_up
from recovery.transitions.deploying import note_deployment, note_reversals, withdraw_deployment


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


def go_live(job: Job) -> Proof:
    """The release runs, as the engine itself says, and is on record as live."""
    project, image = project_of(job), str(job.wish["image"])
    running = compose.find_running_image(project)
    if running is None or running != compose.find_image(project.host, image):
        raise Failure("image_not_running", image=image, output=f"{running}")
    noted = application.note_live(job)
    job.remember(is_live=True)
    return noted


def undo(job: Job) -> Proof:
    """The application runs again from the image it had; migrations that ran stay, a rollback takes them back."""
    undone = clean_up(job)
    before = str(job.state.get("before") or "")
    if before and job.state.get("is_touched"):
        compose.bring_up(project_of(job), before)
        undone["application_started"] = before
    withdraw_deployment(operation_id=job.operation_id, now=clock.now())
    return undone


def plan_deploying(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of a deployment; a target without a database needs no restore point."""
    steps = [
        Step("check_image", application.check_image),
        Step("note", note),
        *(TAKE_STEPS if target.database else ()),
        Step("migrate", migrate),
        Step("bring_up", application.bring_up),
        # A resume finds the image of before running: it has to be taken off again first.
        Step("watch", application.watch, again_from="bring_up"),
        Step("smoke", application.smoke, again_from="bring_up"),
        Step("note_live", go_live, again_from="bring_up"),
        *((EXPIRE,) if target.database else ()),
    ]
    return Plan(steps, undo=undo, is_past=lambda job: bool(job.state.get("is_live")))
