"""How printed commands begin."""

import shlex
import subprocess
import sys

import pytest

from core import program


@pytest.mark.parametrize(
    ("python", "shown"),
    [
        (f"{program.HOME}/.venv/bin/python", ".venv/bin/python manage.py flag show x"),
        ("/opt/a b/bin/python3", "'/opt/a b/bin/python3' manage.py flag show x"),
    ],
)
def test_manage__wherever_python_is__is_what_a_shell_takes(
    python: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python)

    assert program.manage("flag show x") == shown


def test_manage__as_it_is_printed__runs() -> None:
    done = subprocess.run(
        shlex.split(program.manage("version")),
        cwd=program.HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
