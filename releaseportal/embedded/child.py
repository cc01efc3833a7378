"""Run a program as a child that leaves together with its parent.

    python -I -S child.py --parent PID --signal N [--uid U --gid G] -- PROGRAM ARGUMENTS...

A script that stands alone: it must start within milliseconds and without the virtual environment.
"""

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def drop_privileges(*, uid: int, gid: int) -> None:
    """Become an account without rights, with no supplementary group left."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def leave_with_parent(*, parent: int, death_signal: int) -> None:
    """Ask Linux for a signal when the parent ends; elsewhere only the supervisor's own stop helps."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # The parent may have ended before the request: then nobody will ever send the signal.
    if os.getppid() != parent:
        sys.exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=int(signal.SIGKILL))
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("program", nargs="+")
    given = parser.parse_args()
    os.umask(0o077)
    if given.uid is not None:
        drop_privileges(uid=given.uid, gid=given.gid)
    # Only now: a change of account clears the request.
    leave_with_parent(parent=given.parent, death_signal=given.signal)
    os.execvp(given.program[0], given.program)  # noqa: S606 - replacing this process is the purpose


if __name__ == "__main__":
    main()
