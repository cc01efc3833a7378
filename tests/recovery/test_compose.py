"""A compose project on a real engine, with images from a real registry."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from recovery.commands import compose
from recovery.commands.compose import Project
from recovery.commands.probing import ask, watch
from recovery.errors import Failure
from tests.recovery.engine import Engine


def _url(project: Project) -> str:
    port = project.name.removeprefix("till")
    return f"http://127.0.0.1:{port}/health"


def test_up__one_version_after_the_other__is_what_the_engine_says(project: Project, images: dict[str, str]) -> None:
    for version in ("1.2.0", "1.3.0", "1.2.0"):
        wanted = compose.pull_image(project.host, images[version])
        compose.bring_up(project, images[version])

        answer = watch(_url(project), times=2, seconds=30, say=lambda _: None)
        assert answer is not None
        assert answer.body == version
        assert compose.find_running_image(project) == wanted
        assert compose.read_release(project) == images[version]


def test_stop_and_start__the_same_containers__come_again(project: Project, images: dict[str, str]) -> None:
    compose.bring_up(project, images["1.2.0"])
    compose.stop(project)

    assert ask(_url(project)).status == 0
    assert [one.state for one in compose.read_containers(project)] == ["exited"]
    compose.start(project)
    assert watch(_url(project), times=1, seconds=30, say=lambda _: None) is not None


def test_pull__an_image_nobody_has__is_unknown(project: Project, engine: Engine) -> None:
    with pytest.raises(Failure) as caught:
        compose.pull_image(project.host, f"{engine.registry}/till@sha256:{'0' * 64}")

    assert caught.value.code == "image_unknown"
    assert not caught.value.is_passing


def test_pull__no_registry_there__passes(project: Project) -> None:
    with pytest.raises(Failure) as caught:
        compose.pull_image(project.host, f"127.0.0.1:1/till@sha256:{'0' * 64}")

    assert caught.value.code == "registry_unreachable"
    assert caught.value.is_passing


def test_engine__gone__is_told(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    for call in (
        lambda: compose.check_engine(project.host),
        lambda: compose.find_image(project.host, f"x@sha256:{'0' * 64}"),
        lambda: compose.read_containers(project),
        lambda: compose.stop(project),
    ):
        with pytest.raises(Failure) as caught:
            call()
        assert caught.value.code == "engine_unreachable"
        assert caught.value.is_passing


def test_compose__not_installed__is_told(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Failure) as caught:
        compose.find_compose(project.host)

    assert caught.value.code == "compose_missing"


def test_run_once__a_secret_variable__reaches_the_container_and_no_argument(
    project: Project, images: dict[str, str]
) -> None:
    seen: list[str] = []

    outcome = compose.run_once(
        project,
        images["1.3.0"],
        ["env"],
        name="once",
        seconds=60,
        environment={"DATABASE_URL": "postgres://till:s3cret-word@h/d"},
        secrets=("s3cret-word",),
        on_output=seen.append,
    )

    assert "DATABASE_URL=postgres://till:•••@h/d" in outcome.output
    assert "s3cret-word" not in "".join(seen)


def test_run_once__a_command_that_fails__gives_what_it_said(project: Project, images: dict[str, str]) -> None:
    with pytest.raises(Failure) as caught:
        compose.run_once(project, images["1.3.0"], ["fail"], name="once", seconds=60)

    assert caught.value.code == "tool_failed"


def test_run_once__a_command_that_hangs__ends_at_its_time_with_its_container(
    project: Project, images: dict[str, str], engine: Engine
) -> None:
    name = f"{project.name}-once"

    with pytest.raises(Failure) as caught:
        compose.run_once(project, images["1.3.0"], ["hang"], name=name, seconds=8)

    assert (caught.value.code, caught.value.is_passing) == ("command_timed_out", False)
    assert engine.docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""


def test_run_once__its_worker_was_killed__ends_what_it_left_behind_first(
    project: Project, images: dict[str, str], engine: Engine
) -> None:
    name = f"{project.name}-once"
    image = images["1.3.0"]
    compose.pull_image(project.host, image)
    left = engine.docker("run", "--detach", "--network", "host", "--name", name, image, "hang")

    outcome = compose.run_once(project, image, ["migrate"], name=name, seconds=60)

    assert outcome.last_line == "migrated to 1.3.0"
    assert left not in engine.docker("ps", "--all", "--quiet", "--no-trunc")


def test_compose__an_address_it_cannot_read__shows_no_password(project: Project, images: dict[str, str]) -> None:
    folder = Path(project.folder)
    text = (folder / "docker-compose.yml").read_text()
    wrong = 'environment: ["DATABASE_URL=postgres://till:p${w0rd@127.0.0.1:5432/till"]'
    (folder / "docker-compose.yml").write_text(text + f"    {wrong}\n")
    seen: list[str] = []

    for call, code in (
        (lambda: compose.read_environment(project), "compose_unreadable"),
        (lambda: compose.bring_up(project, images["1.3.0"], on_output=seen.append), "tool_failed"),
    ):
        with pytest.raises(Failure) as caught:
            call()
        assert caught.value.code == code
        assert "w0rd" not in str(caught.value)
    assert "".join(seen)
    assert "w0rd" not in "".join(seen)


def test_compose__a_secret_of_the_project__is_never_shown(project: Project, images: dict[str, str]) -> None:
    folder = Path(project.folder)
    (folder / "docker-compose.yml").write_text("services: {till: {image: x, s3cret-word: 1}}")
    seen: list[str] = []

    with pytest.raises(Failure) as caught:
        compose.stop(replace(project, secrets=("s3cret-word",)), on_output=seen.append)

    assert "•••" in "".join(seen)
    assert "s3cret-word" not in "".join(seen) + str(caught.value)


def test_watch__nobody_answers__is_none() -> None:
    assert watch("http://127.0.0.1:1/health", times=1, seconds=1, say=lambda _: None) is None


@pytest.fixture
def dripping() -> Iterator[str]:
    """A health address whose answer takes a minute, longer than any limit: a byte now and then."""

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(600):
                    if over.wait(0.1):
                        break
                    self.wfile.write(b".")

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    over = Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/health"
    over.set()
    server.shutdown()
    server.server_close()


def test_ask__an_answer_that_drips__is_none_in_time(dripping: str) -> None:
    answer = ask(dripping, seconds=1)

    assert (answer.status, answer.body) == (0, "no whole answer within 1 seconds")


def test_watch__an_answer_that_drips__ends_in_time(dripping: str) -> None:
    assert watch(dripping, times=1, seconds=1, say=lambda _: None) is None
