"""Goes back behind the migrations of a release with its own image, before the image before comes back."""

from collections.abc import Sequence
from dataclasses import replace

from recovery.commands import compose
from recovery.databases.figures import find_migrations, has_apps
from recovery.databases.sessions import open_session
from recovery.domain.addresses import Address
from recovery.domain.reversals import Reversal, fill_words, list_reversals
from recovery.errors import Failure
from recovery.jobs import Job, Proof, Step
from recovery.procedures import application
from recovery.procedures.taking import TAKE_STEPS, clean_up


def read_ledger(job: Job, *, on: Address | None = None) -> list[str]:
    """Return the migrations that have run on the target's database, or another one; none where it has none."""
    if on is None and not job.target.database:
        return []
    with open_session(on or job.address) as session:
        return list(find_migrations(session))


def list_way_back(job: Job, before: Sequence[str], new: Sequence[str], *, on: Address | None = None) -> list[Reversal]:
    """Return the way back behind new migrations of the target's database, or of another one."""
    if not new:
        return []
    with open_session(on or job.address) as session:
        return list_reversals(before, new, has_apps=has_apps(session))


def stop_application(job: Job) -> Proof:
    """The release does not run any more: nothing writes in the shape that goes."""
    job.remember(is_quiet=True)
    return {"application_stopped": application.stop(job)}


def reverse(job: Job) -> Proof:
    """The release's migrations are gone back behind, the last one first, with its own image."""
    # Its own image, whatever runs: after a deployment that failed, that is the one before.
    image = str(job.wish["reverse_image"])
    compose.pull_image(application.project_of(job).host, image, on_output=job.say)
    job.remember(is_touched=True, is_reversing=True)
    gone: list[str] = []
    for one in (Reversal(**told) for told in job.wish["reverse"]):
        if one.migration not in read_ledger(job):
            continue
        job.say(f"{one.migration}\n")
        application.run_in(job, image, fill_words(job.target.reverse, one), failure="reverse_failed")
        if one.migration in read_ledger(job):
            raise Failure("reverse_failed", output=f"{one.migration} is still in the ledger")
        gone.append(one.migration)
    return {"reversed": gone}


def undo(job: Job) -> Proof:
    """The release runs again: with its migrations, where some were gone back behind already."""
    undone: Proof = {}
    fault: Failure | None = None
    if job.state.get("is_reversing") and job.target.migrate:
        image = str(job.wish["reverse_image"])
        try:
            application.run_in(job, image, job.target.migrate, failure="migrate_failed")
            undone["migrated"] = image
        except Failure as failure:
            # The shop is not left closed for it.
            fault = failure
    if job.wish.get("reverse"):
        clean_up(job)
    undone |= application.start_again(job)
    if fault is not None:
        raise fault
    return undone


#: A restore point first: what is written into what goes would be lost with it.
REVERSE_STEPS = (
    *TAKE_STEPS,
    Step("stop_application", stop_application),
    Step("reverse", reverse, again_from="stop_application"),
)
#: What comes after: a resume begins where the release has been started again, with its migrations.
REVERSED_STEPS = tuple(
    replace(step, again_from="stop_application") if step.code == "bring_up" else step for step in application.BACK_STEPS
)
