"""External programs: bounded, scrubbed, gone with their children."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from recovery.commands.running import NOT_FOUND, TIMED_OUT, Command, run
from recovery.domain.scrubbing import HIDDEN, Clipped, Scrubber
from tests.waiting import wait_until

HERE = Path(__file__).resolve().parents[2]


def test_run__a_program_that_ends_well__gives_code_and_output() -> None:
    outcome = run(Command(("sh", "-c", "echo one; echo two >&2"), seconds=20))

    assert outcome.is_ok
    assert outcome.output == "one\ntwo\n"
    assert outcome.last_line == "two"


def test_run__a_program_that_fails__gives_its_code() -> None:
    assert run(Command(("sh", "-c", "exit 3"), seconds=20)).code == 3


def test_run__a_program_that_is_not_there__says_so() -> None:
    outcome = run(Command(("no-such-program",), seconds=20))

    assert outcome.code == NOT_FOUND
    assert "No such file" in outcome.output


def test_run__past_its_time__ends_it_with_its_children(tmp_path: Path) -> None:
    script = f"setsid sleep 300 & echo $! > {tmp_path}/far; sleep 300 & echo $! > {tmp_path}/near; wait"

    outcome = run(Command(("sh", "-c", script), seconds=1))

    assert outcome.code == TIMED_OUT
    assert outcome.is_timed_out
    for name in ("far", "near"):
        assert not psutil.pid_exists(int((tmp_path / name).read_text()))


def test_run__a_program_that_ignores_signals__is_ended_all_the_same() -> None:
    assert run(Command(("sh", "-c", "trap '' TERM INT HUP; sleep 300"), seconds=1)).is_timed_out


def test_run__whoever_asked_is_killed__the_program_ends(tmp_path: Path) -> None:
    inner = f"echo $$ > {tmp_path}/pid; exec sleep 300"
    asking = f"from recovery.commands.running import *; run(Command(('sh', '-c', {inner!r}), seconds=300))"
    asker = subprocess.Popen([sys.executable, "-c", asking], cwd=HERE)
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())

    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()

    wait_until(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))


def test_run__input__reaches_the_program() -> None:
    assert run(Command(("cat",), seconds=20, stdin="été\n" * 50_000)).output.startswith("été\n")


def test_run__input_nobody_reads__does_no_harm() -> None:
    assert run(Command(("true",), seconds=20, stdin="x" * 1_000_000)).is_ok


def test_run__the_portals_own_settings__are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:hidden@h/d")

    assert "hidden" not in run(Command(("env",), seconds=20)).output


def test_run__a_secret_that_is_printed__is_not_shown(tmp_path: Path) -> None:
    seen: list[str] = []
    script = 'printf "before s3cr"; sleep 0.2; printf "et-word after"'

    outcome = run(Command(("sh", "-c", script), seconds=20, secrets=("s3cret-word",)), on_output=seen.append)

    assert outcome.output == f"before {HIDDEN} after"
    assert "".join(seen) == outcome.output


def test_run__output_without_end__is_bounded() -> None:
    outcome = run(Command(("sh", "-c", "yes | head -c 5000000; echo last"), seconds=60))

    assert len(outcome.output) < 40_000
    assert outcome.last_line == "last"
    assert "characters left out" in outcome.output


def test_run__shell_characters_in_arguments__are_plain_text(tmp_path: Path) -> None:
    assert run(Command(("echo", f"$(touch {tmp_path}/x); `id` && rm"), seconds=20)).last_line.startswith("$(touch")
    assert not (tmp_path / "x").exists()


def test_run__pieces__come_while_it_runs() -> None:
    times: list[float] = []

    run(
        Command(("sh", "-c", "echo one; sleep 1; echo two"), seconds=20),
        on_output=lambda piece: times.append(time.monotonic()),
    )

    assert len(times) == 2


def test_scrubber__a_secret_within_another__hides_the_whole() -> None:
    scrubber = Scrubber(["word", "pass-word-long"])

    assert scrubber.feed("a pass-word-long b") + scrubber.end() == f"a {HIDDEN} b"


def test_scrubber__letter_by_letter__hides_it_too() -> None:
    scrubber = Scrubber(["hidden"])

    assert "".join(map(scrubber.feed, "is hidden, hid")) + scrubber.end() == f"is {HIDDEN}, hid"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            '"postgres://till:p${w0rd@10.0.0.1:5432/till" is wrong',
            f'"postgres://till:{HIDDEN}@10.0.0.1:5432/till" is wrong',
        ),
        ("redis://:pw@h postgresql+psycopg://a:b@c@h/d", f"redis://:{HIDDEN}@h postgresql+psycopg://a:{HIDDEN}@h/d"),
        ("https://h:80/x and a@b, ssh://root@h, image h:5000/till@sha256:0", None),
        ("ends with postgres://till:half", None),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_scrubber__the_password_of_any_address__is_hidden(text: str, shown: str | None, size: int) -> None:
    scrubber = Scrubber([])

    pieces = [scrubber.feed(text[at : at + size]) for at in range(0, len(text), size)]

    assert "".join(pieces) + scrubber.end() == (shown or text)


def test_run__a_null_character__is_in_no_output() -> None:
    seen: list[str] = []

    outcome = run(Command(("printf", "bad\\0word"), seconds=20), on_output=seen.append)

    assert outcome.output == "".join(seen) == outcome.last_line == "bad\ufffdword"


def test_clipped__what_fits__stays_whole() -> None:
    kept = Clipped(head=3, tail=3)
    kept.add("abcd")
    kept.add("ef")

    assert str(kept) == "abcdef"
