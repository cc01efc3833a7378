"""The application of a target: stopped, started, put on an image. A target may have none, only a database."""

from contextlib import suppress
from urllib.parse import quote

from core import clock
from recovery.commands import compose, probing
from recovery.commands.compose import Project
from recovery.commands.hosts import open_host
from recovery.domain.addresses import Address, AddressWrong, make_url, parse_address
from recovery.domain.names import is_image
from recovery.domain.variables import NotRedirected, may_be_same, redirect
from recovery.errors import Failure
from recovery.jobs import Job, Proof, Step, StepSkipped
from recovery.transitions.deploying import mark_live, mark_rolled_back

#: Well so often in a row, an application counts as up.
WELL_TIMES = 3
WELL_SECONDS = 90.0
COMMAND_SECONDS = 600.0


def project_of(job: Job) -> Project:
    """Return the compose project of the operation's target."""
    target = job.target
    return Project(
        open_host(target.host),
        target.folder,
        target.compose_file,
        target.project,
        target.service,
        target.image_variable,
        target.command_service,
        _list_secrets(job),
    )


def check_image(job: Job) -> Proof:
    """The engine answers and holds the image, and the one that runs now, by digest: nothing goes down before."""
    held = hold_image(job)
    project = project_of(job)
    before = compose.read_release(project)
    if "before" not in job.state:
        job.remember(before=before, before_id=compose.find_running_image(project) or "")
    if before and compose.find_image(project.host, before) is None:
        raise Failure("previous_image_gone", image=before)
    return {**held, "previous_image": before}


def hold_image(job: Job) -> Proof:
    """The engine answers and holds the image that was asked for, by its digest."""
    image = str(job.wish["image"])
    if not is_image(image):
        raise Failure("image_not_pinned", image=image)
    project = project_of(job)
    version = compose.check_engine(project.host)
    compose.find_compose(project.host)
    found = compose.pull_image(project.host, image, on_output=job.say)
    return {"engine": version, "image": image, "image_id": found}


def stop(job: Job) -> bool:
    """Stop the application where there is one; True where it was."""
    if not job.target.has_application:
        return False
    compose.stop(project_of(job), on_output=job.say)
    return True


def start_again(job: Job) -> Proof:
    """Start the application again as it was before this operation, where there is one."""
    if not job.target.has_application or not (job.state.get("is_quiet") or job.state.get("is_touched")):
        return {}
    before = str(job.state.get("before") or "")
    if before:
        compose.bring_up(project_of(job), before, on_output=job.say)
    else:
        compose.start(project_of(job), on_output=job.say)
    return {"application_started": before or job.target.project}


def bring_up(job: Job) -> Proof:
    """The application runs from the image that was asked for, as the engine itself says."""
    proof = put_on(job, str(job.wish["image"]))
    job.remember(is_up=True)
    return proof


def put_on(job: Job, image: str) -> Proof:
    """The application runs from an image, as the engine itself says."""
    project = project_of(job)
    job.remember(is_touched=True)
    compose.bring_up(project, image, on_output=job.say)
    wanted, running = compose.find_image(project.host, image), compose.find_running_image(project)
    if running is None or running != wanted:
        raise Failure("image_not_running", image=image, output=f"{running}")
    return {"image": image, "image_id": running}


def watch(job: Job) -> Proof:
    """The application is well, so many times in a row."""
    url = job.target.health_url
    if not url:
        raise StepSkipped("no_health_url")
    answer = probing.watch(url, times=WELL_TIMES, seconds=WELL_SECONDS, say=job.say)
    if answer is None:
        raise Failure("application_unwell", url=url)
    return {"status": answer.status, "ms": round(answer.seconds * 1000)}


def smoke(job: Job) -> Proof:
    """The application's own smoke test passes, in a container of the same image."""
    if not job.target.smoke:
        raise StepSkipped("no_smoke_test")
    image = str(job.wish.get("image") or compose.read_release(project_of(job)))
    return run_in(job, image, job.target.smoke, failure="smoke_failed")


def run_in(job: Job, image: str, arguments: list[str], *, failure: str, on: Address | None = None) -> Proof:
    """Run a command of the target once with an image; its bad end is a Failure of the given code.

    `on`: a copy of its own database; every variable that leads to the live one leads there instead.
    """
    project = project_of(job)
    try:
        outcome = compose.run_once(
            project,
            image,
            arguments,
            # A target has one operation at a time: whatever else goes by this name was left behind.
            name=f"{project.name}-portal-{job.target.pk}",
            seconds=COMMAND_SECONDS,
            environment=turn_to(job, on) if on else {},
            secrets=_list_secrets(job, on),
            on_output=job.say,
        )
    except Failure as fault:
        if fault.code != "tool_failed":
            raise
        raise Failure(failure, output=fault.output) from None
    return {"said": outcome.last_line, "seconds": round(outcome.seconds, 2)}


def turn_to(job: Job, copy: Address) -> dict[str, str]:
    """Return the variables that have the target's commands work on a copy of its database.

    Raises Failure where they would not read them: what they ran would change the live database.
    """
    named, live = job.target.database_variable, job.address
    environment = compose.read_environment(project_of(job))
    try:
        is_its_own = may_be_same(live, parse_address(environment.get(named, "")))
    except AddressWrong:
        is_its_own = False
    if not is_its_own:
        raise Failure("variable_not_read", variable=named)
    try:
        return redirect(environment, live=live, copy=copy)
    except NotRedirected as fault:
        raise Failure("variable_not_turned", variable=fault.variable) from None


def _list_secrets(job: Job, on: Address | None = None) -> tuple[str, ...]:
    """Return what a command of the target may print of its database's address, and nobody shall read."""
    known = [on] if on else []
    # An address that cannot be read keeps nobody from starting or stopping the application.
    if job.target.database:
        with suppress(Failure):
            known.append(job.address)
    found = {word for one in known for word in (one.password, quote(one.password, safe=""), make_url(one))}
    return tuple(sorted(filter(None, found), key=len, reverse=True))


def note_back(job: Job) -> Proof:
    """The deployment that was taken back is on record as such."""
    return {"deployment": mark_rolled_back(target_id=job.target.pk, image=str(job.wish["image"]), now=clock.now())}


def note_live(job: Job) -> Proof:
    """The deployment is on record as live."""
    return {"deployment": mark_live(operation_id=job.operation_id, now=clock.now())}


#: Back on an earlier image.
BACK_STEPS = (
    Step("bring_up", bring_up),
    Step("watch", watch),
    Step("smoke", smoke),
    Step("note_back", note_back),
)
