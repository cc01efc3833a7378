"""Run a program that ends with its guard: at the time limit, and when whoever asked for it ends.

    python -I -S guard.py --parent PID --seconds N -- PROGRAM ARGUMENTS...

A script that stands alone: it must start within milliseconds and without the virtual environment. It collects
what its program leaves behind, too: nothing that the program started outlives this script. Exit code: the
program's, 124 past the time limit, 137 when told to end.
"""

import argparse
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TIMED_OUT = 124
TOLD_TO_END = 137
NOT_FOUND = 127


class Told(BaseException):
    """The time is over, or the parent has ended."""

    def __init__(self, code: int) -> None:
        self.code = code


def bind_to_parent(parent: int) -> None:
    """Hear of the parent's end, and become the parent of what the program leaves behind; Linux only."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    # The parent may have ended before the request: then nobody will ever send the signal.
    if os.getppid() != parent:
        sys.exit(TOLD_TO_END)


def on_signal(number: int, frame: FrameType | None) -> None:
    """Leave whatever is waited for."""
    raise Told(TIMED_OUT if number == signal.SIGALRM else TOLD_TO_END)


def list_children() -> list[int]:
    """Return the processes whose parent is this one."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def end_all(group: int) -> None:
    """End the program's group and everything it left behind; all of it is gone when this returns."""
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while True:
        for pid in list_children():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("program", nargs="+")
    given = parser.parse_args()
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    child = None
    try:
        bind_to_parent(given.parent)
        signal.setitimer(signal.ITIMER_REAL, given.seconds)
        try:
            child = subprocess.Popen(given.program, process_group=0)
        except OSError as fault:
            sys.stderr.write(f"{given.program[0]}: {fault.strerror}\n")
            return NOT_FOUND
        code = child.wait()
    except Told as told:
        code = told.code
    finally:
        if child is not None:
            end_all(child.pid)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
