"""The application of a target: stopped, started, put back to an image. A target may have none, only a database."""

from recovery.jobs import Job, Proof, Step


def stop(job: Job) -> bool:
    """Stop the application where there is one; True where it was."""
    return False


def start_again(job: Job) -> Proof:
    """Start the application again as it was, where this operation stopped it."""
    return {}


def check_image(job: Job) -> Proof:
    raise NotImplementedError


BACK_STEPS: tuple[Step, ...] = ()
