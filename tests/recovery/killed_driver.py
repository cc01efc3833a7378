"""A driver that is killed at a step, for real: `python -m tests.recovery.killed_driver OPERATION STEP WHEN`.

WHEN: `during` a moment after the step began, `before` it is noted as done, `after` it is.
"""

import os
import signal
import sys
import threading
from typing import Any

import django

DURING_SECONDS = 0.05


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    operation, code, when = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    django.setup()
    from recovery import driving
    from recovery.models import OperationStep
    from recovery.transitions import stepping

    begin, end = stepping.begin_step, stepping.end_step

    def begin_step(*, step_id: int, **given: Any) -> OperationStep | None:
        step = begin(step_id=step_id, **given)
        if step and step.code == code and when == "during":
            threading.Timer(DURING_SECONDS, die).start()
        return step

    def end_step(*, step_id: int, **given: Any) -> None:
        is_here = OperationStep.objects.get(pk=step_id).code == code
        if is_here and when in {"during", "before"}:
            die()
        end(step_id=step_id, **given)
        if is_here:
            die()

    vars(driving).update(begin_step=begin_step, end_step=end_step)
    driving.drive(operation)


if __name__ == "__main__":
    main()
