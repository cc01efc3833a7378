"""What the commands about targets share: an operation driven in the foreground, with its progress."""

import threading
import time
from collections.abc import Iterator

from django.core.management.base import CommandError, OutputWrapper
from django.db import connections

from core import clock
from core.program import manage
from recovery.domain.lifecycle import DRIVEN, Status, StepStatus
from recovery.driving import drive
from recovery.labels import STEPS, say_failure
from recovery.models import Operation
from recovery.queries import get_operation, measure_progress
from recovery.templatetags.recovery import prove, receipts, say_seconds, seconds_of

LOOK_SECONDS = 0.3
WIDTH = 24


def follow(operation_id: int, *, out: OutputWrapper) -> None:
    """Drive an operation here, or watch who drives it, until it ends or a person is needed; raises CommandError then.

    Works with the web process, the broker and every worker down.
    """
    driver = threading.Thread(target=_drive, args=(operation_id,), daemon=True)
    driver.start()
    told: set[str] = set()
    bar = Bar(out)
    while True:
        is_over = not driver.is_alive()
        operation = get_operation(operation_id)
        for line in _new_lines(operation, told):
            bar.clear()
            out.write(f"{line}\n")
        if operation.status not in DRIVEN:
            break
        if is_over:
            # Another driver has it, or it is tried again later.
            driver = threading.Thread(target=_drive, args=(operation_id,), daemon=True)
            driver.start()
        bar.draw(operation)
        time.sleep(LOOK_SECONDS)
    driver.join()
    bar.clear()
    tell_end(get_operation(operation_id), out=out)


def tell_end(operation: Operation, *, out: OutputWrapper) -> None:
    """Say how an operation stands; raises CommandError where it is not done."""
    losses = operation.state.get("losses") or {}
    for one in losses.get("tables", ()):
        added, changed, removed = one["added"], one["changed"], one["removed"]
        out.write(f"  {one['table']}: {added} new, {changed} changed, {removed} deleted\n")
    if losses.get("receipts"):
        out.write(f"  receipts missing then: {receipts(losses['receipts'])}\n")
    number = operation.pk
    if operation.status == Status.WAITING:
        raise CommandError(
            f"{say_failure(operation.failure)}\n"
            f"Go on: {manage(f'rollback resume {number} --accept-losses --reason TEXT')}\n"
            f"Give up: {manage(f'rollback abort {number} --reason TEXT')}"
        )
    if operation.status == Status.FAILED:
        said = operation.failure.get("output") or ""
        raise CommandError(
            f"{say_failure(operation.failure)}\n{said}\n".replace("\n\n", "\n")
            + f"Then: {manage(f'rollback resume {number} --reason TEXT')}"
        )
    out.write(f"#{number} {operation.status}\n")


def describe(operation: Operation) -> Iterator[str]:
    """Yield an operation in lines: what, for which target, each step."""
    yield f"#{operation.pk} {operation.kind} {operation.target.key} {operation.status} ({operation.asked_by})"
    for step in operation.steps.all():
        took = seconds_of(step)
        yield f"  {_mark(step.status)} {STEPS[step.code]}{f' ({took})' if took else ''} {prove(step)}".rstrip()


class Bar:
    """A line that shows how far it is, on a terminal only."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._is_shown = False
        self._is_terminal = out.isatty()

    def draw(self, operation: Operation) -> None:
        """Draw the line anew."""
        if not self._is_terminal:
            return
        progress = measure_progress(operation, now=clock.now())
        done = round(WIDTH * progress.share_bp / 10_000)
        left = "" if progress.left_seconds is None else f" about {say_seconds(progress.left_seconds)} left"
        self._out.write(f"\r\x1b[K[{'#' * done}{'.' * (WIDTH - done)}] {progress.share_bp // 100} %{left}")
        self._out.flush()
        self._is_shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self._out.write("\r\x1b[K")
            self._is_shown = False


def _drive(operation_id: int) -> None:
    try:
        drive(operation_id)
    finally:
        connections.close_all()


def _new_lines(operation: Operation, told: set[str]) -> Iterator[str]:
    for step in operation.steps.all():
        key = f"{step.position} {step.status}"
        if step.status not in {StepStatus.PENDING, StepStatus.RUNNING} and key not in told:
            told.add(key)
            took = seconds_of(step)
            yield f"{_mark(step.status)} {STEPS[step.code]}{f' ({took})' if took else ''} {prove(step)}".rstrip()


def _mark(status: str) -> str:
    return {"done": "✓", "failed": "▲", "skipped": "—", "running": "▶"}.get(status, "○")
