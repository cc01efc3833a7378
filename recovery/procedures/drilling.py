"""What a drill does on a target: its newest restore point beside the live database, its image before and back again."""

from typing import Any

from recovery.commands import probing
from recovery.databases.losses import count_losses
from recovery.databases.sessions import open_session
from recovery.errors import Failure
from recovery.jobs import Job, Plan, Proof, Step, StepSkipped
from recovery.models import Target
from recovery.procedures import application
from recovery.procedures.beside import drop_beside, restore_beside, scratch_of, validate_beside
from recovery.procedures.taking import fetch_point

#: Asked so often before and after: enough for a median, over within a second or two.
ASKED_TIMES = 40


def count(job: Job) -> Proof:
    """What a rollback would lose now is counted; nothing is."""
    with open_session(job.address) as live, open_session(scratch_of(job)) as restored:
        losses = count_losses(live, restored, receipts=job.target.receipts)
    return {"rows": losses.rows}


def measure_before(job: Job) -> Proof:
    """How fast the application answers before."""
    return _measure(job, "speed_before")


def go_back(job: Job) -> Proof:
    """The application runs from the image before."""
    return application.put_on(job, str(job.wish["image"]))


def go_forth(job: Job) -> Proof:
    """The application runs again from the image that it had."""
    return application.put_on(job, _own_image(job))


def measure_after(job: Job) -> Proof:
    """How fast the application answers after."""
    return _measure(job, "speed_after")


def undo(job: Job) -> Proof:
    """Nothing is left beside, and the application runs from its own image."""
    undone: Proof = drop_beside(job) if "restore_point" in job.wish else {}
    if job.state.get("is_touched"):
        undone |= application.put_on(job, _own_image(job))
    return undone


def _own_image(job: Job) -> str:
    """Return what ran when the drill began, as the engine's own file said; else what was deployed."""
    return str(job.state.get("before") or job.wish["current"])


def plan_drilling(target: Target, wish: dict[str, Any]) -> Plan:
    """Return the plan of a drill on a target."""
    steps: list[Step] = []
    if "restore_point" in wish:
        steps += BESIDE
    if "image" in wish:
        steps += BACK_AND_FORTH
    return Plan(steps, undo=undo)


def _measure(job: Job, name: str) -> Proof:
    url = job.target.health_url
    if not url:
        raise StepSkipped("no_health_url")
    speed = probing.measure(url, times=ASKED_TIMES)
    if speed is None:
        raise Failure("application_unwell", url=url)
    told = {"median_ms": speed.median_ms, "p95_ms": speed.p95_ms}
    job.remember(**{name: told})
    return told


BESIDE = (
    Step("fetch", fetch_point),
    Step("restore", restore_beside, again_from="fetch"),
    Step("validate", validate_beside, again_from="fetch"),
    Step("count", count, again_from="fetch"),
    Step("drop_copy", drop_beside),
)
BACK_AND_FORTH = (
    Step("check_image", application.check_image),
    Step("measure_before", measure_before),
    Step("drill_back", go_back),
    Step("drill_watch", application.watch, again_from="drill_back"),
    Step("drill_smoke", application.smoke, again_from="drill_back"),
    Step("drill_forth", go_forth),
    Step("drill_watch_again", application.watch, again_from="drill_forth"),
    Step("measure_after", measure_after),
)
