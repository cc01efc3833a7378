"""A compose project: its image pulled and pinned by digest, brought up, stopped, looked at on the engine itself."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Any

import yaml

from recovery.commands.hosts import Host, Say
from recovery.commands.running import NOT_FOUND, Outcome
from recovery.errors import Failure

#: Newer installations, then the older program.
CANDIDATES = (("docker", "compose"), ("docker-compose",))
#: Holds which image runs; `docker compose --env-file release.env up -d` gives the same by hand.
RELEASE_FILE = "release.env"
LOOK_SECONDS = 30.0
PULL_SECONDS = 900.0
UP_SECONDS = 180.0
STOP_SECONDS = 120.0
REMOVE_SECONDS = 30.0
REMOVE_PAUSE_SECONDS = 0.5

#: How a file that compose prints begins: warnings have a space or an equals sign before any colon, or go on behind it.
_TOP_KEY = re.compile(r"(name: \S+|networks:|services:|volumes:|version: \S+|x-[a-z-]+:)\s*$")
_known: dict[Host, tuple[str, ...]] = {}
_ENGINE_GONE = (
    "Cannot connect to the Docker daemon",
    "Couldn't connect to Docker daemon",
    "daemon is not running",
    "Error while fetching server API version",
)
_REGISTRY_GONE = ("connection refused", "no such host", "i/o timeout", "handshake timeout", "EOF", "server gave HTTP")
_NO_CONTAINER = ("No such container",)
_BEING_REMOVED = ("is already in progress",)
_NOT_THERE = ("manifest unknown", "not found", "pull access denied", "repository does not exist")


@dataclass(frozen=True)
class Container:
    """What runs for a service. `image_id`: what the engine really started it from; `health`: "" without a check."""

    name: str
    service: str
    image_id: str
    state: str
    health: str


@dataclass(frozen=True)
class Project:
    """A compose project on a host. `service`: the one whose image is the release's; `secrets`: never shown."""

    host: Host
    folder: str
    file: str
    name: str
    service: str
    image_variable: str
    command_service: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def release_path(self) -> str:
        return f"{self.folder.rstrip('/')}/{RELEASE_FILE}"


def find_compose(host: Host) -> tuple[str, ...]:
    """Return the words that call compose there; raises Failure where neither program is."""
    for words in CANDIDATES:
        outcome = host.run([*words, "version"], seconds=LOOK_SECONDS)
        if outcome.is_ok:
            return words
    raise Failure("compose_missing")


def _know_compose(host: Host) -> tuple[str, ...]:
    """Return the words that call compose on a host, asked for once: the older program takes a second to start."""
    if host not in _known:
        _known[host] = find_compose(host)
    return _known[host]


def check_engine(host: Host) -> str:
    """Return the engine's version; raises Failure where it does not answer."""
    outcome = host.run(["docker", "version", "--format", "{{.Server.Version}}"], seconds=LOOK_SECONDS)
    if not outcome.is_ok:
        raise explain(outcome)
    return outcome.last_line


def find_image(host: Host, image: str) -> str | None:
    """Return the id of an image that the engine has by exactly this digest, None where it has not."""
    outcome = host.run(["docker", "image", "inspect", "--format", "{{json .}}", image], seconds=LOOK_SECONDS)
    if not outcome.is_ok:
        if _holds(outcome, _ENGINE_GONE):
            raise explain(outcome)
        return None
    told = json.loads(outcome.last_line)
    digest = image.partition("@")[2]
    kept = any(reference.partition("@")[2] == digest for reference in told.get("RepoDigests") or ())
    return str(told["Id"]) if kept else None


def pull_image(host: Host, image: str, *, on_output: Say | None = None) -> str:
    """Have the engine hold an image by its digest and return its id; one that it holds already asks no registry."""
    found = find_image(host, image)
    if found is not None:
        return found
    outcome = host.run(["docker", "pull", "--quiet", image], seconds=PULL_SECONDS, on_output=on_output)
    if not outcome.is_ok:
        raise explain(outcome, image=image)
    found = find_image(host, image)
    if found is None:
        raise Failure("image_wrong", image=image)
    return found


def bring_up(project: Project, image: str, *, on_output: Say | None = None) -> None:
    """Have the project run with an image; the file that says so is written first, whole or not at all."""
    project.host.write_text(project.release_path, f"{project.image_variable}={image}\n")
    arguments = ("up", "--detach", "--no-build", "--remove-orphans")
    _compose(project, arguments, seconds=UP_SECONDS, on_output=on_output)


def stop(project: Project, *, on_output: Say | None = None) -> None:
    """Stop the project's containers; they are kept, and its networks and volumes as well."""
    _compose(project, ("stop",), seconds=STOP_SECONDS, on_output=on_output)


def start(project: Project, *, on_output: Say | None = None) -> None:
    """Start the containers that were stopped, as they were."""
    _compose(project, ("start",), seconds=UP_SECONDS, on_output=on_output)


def run_once(
    project: Project,
    image: str,
    arguments: Sequence[str],
    *,
    name: str,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    on_output: Say | None = None,
) -> Outcome:
    """Run a command in a container of its own with an image, which need not be the one that runs.

    `name`: the container's. One of that name is what an attempt before left behind: it is ended first, and so is this
    one after a bad end, for it goes on without its client. Variables are named in the arguments and their values are
    not: those go through the environment.
    """
    named = [word for variable in environment or {} for word in ("-e", variable)]
    service = project.command_service or project.service
    remove_container(project.host, name)
    try:
        return _compose(
            project,
            ("run", "--rm", "--no-deps", "-T", "--name", name, *named, service, *arguments),
            seconds=seconds,
            environment={**(environment or {}), project.image_variable: image},
            secrets=secrets,
            on_output=on_output,
        )
    except Failure as fault:
        # Where the engine is away it is ended before the next attempt.
        with suppress(Failure):
            remove_container(project.host, name)
        if fault.code == "tool_timed_out":
            # Nobody knows how far it came: a person looks before it is done again.
            raise Failure("command_timed_out", seconds=int(seconds), output=fault.output) from None
        raise


def remove_container(host: Host, name: str) -> None:
    """End a container of ours and remove it; none of that name is well, too. Raises Failure where it stays."""
    limit = time.monotonic() + REMOVE_SECONDS
    while True:
        outcome = host.run(["docker", "rm", "--force", name], seconds=REMOVE_SECONDS)
        if outcome.is_ok or _holds(outcome, _NO_CONTAINER):
            return
        # Its client may be removing it already.
        if not _holds(outcome, _BEING_REMOVED) or time.monotonic() > limit:
            raise explain(outcome)
        time.sleep(REMOVE_PAUSE_SECONDS)


def read_environment(project: Project) -> dict[str, str]:
    """Return what the service for commands finds in its environment.

    What compose prints here holds secrets, in its errors as well: none of it is shown or kept.
    """
    # A whole address may be a secret, and here it is what is looked for; its password is taken out all the same.
    told = replace(project, secrets=())
    try:
        # Any image will do for reading the file; a warning may still stand above what it prints.
        outcome = _compose(told, ("config",), seconds=LOOK_SECONDS, environment={project.image_variable: "none"})
    except Failure as fault:
        code = "compose_unreadable" if fault.code == "tool_failed" else fault.code
        raise Failure(code, is_passing=fault.is_passing, **fault.data) from None
    lines = dropwhile(lambda line: not _TOP_KEY.match(line), outcome.output.splitlines())
    try:
        services = yaml.safe_load("\n".join(lines))["services"]
        found = services[project.command_service or project.service].get("environment") or {}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise Failure("compose_unreadable") from None
    pairs = found if isinstance(found, dict) else dict(str(one).partition("=")[::2] for one in found)
    # Compose writes each dollar twice, so that it could read its own words again.
    return {str(name): str(value).replace("$$", "$") for name, value in pairs.items() if value is not None}


def read_containers(project: Project) -> list[Container]:
    """Return what really runs or has stopped for the project, as the engine says."""
    label = f"label=com.docker.compose.project={project.name}"
    listed = project.host.run(
        ["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", label], seconds=LOOK_SECONDS
    )
    if not listed.is_ok:
        raise explain(listed)
    numbers = [line.strip() for line in listed.output.splitlines() if line.strip()]
    if not numbers:
        return []
    told = project.host.run(["docker", "inspect", "--format", "{{json .}}", *numbers], seconds=LOOK_SECONDS)
    if not told.is_ok:
        raise explain(told)
    rows = [json.loads(line) for line in told.output.splitlines() if line.startswith("{")]
    found = [_read_container(row) for row in rows if not _is_once(row)]
    return sorted(found, key=lambda one: one.name)


def find_running_image(project: Project) -> str | None:
    """Return the id of the image that the project's service runs from, None where it does not run."""
    running = [one for one in read_containers(project) if one.service == project.service and one.state == "running"]
    return running[0].image_id if running else None


def read_release(project: Project) -> str:
    """Return the image that the project was last brought up with by us, empty where it never was."""
    text = project.host.read_text(project.release_path) or ""
    pairs = dict(line.partition("=")[::2] for line in text.splitlines())
    return pairs.get(project.image_variable, "")


def explain(outcome: Outcome, *, image: str = "") -> Failure:
    """Return what the bad end of docker or compose means."""
    said = outcome.last_line
    if outcome.is_timed_out:
        return Failure("tool_timed_out", tool="docker", output=said, is_passing=True)
    causes: tuple[tuple[bool, str, bool], ...] = (
        (outcome.code == NOT_FOUND, "docker_missing", False),
        (_holds(outcome, _ENGINE_GONE), "engine_unreachable", True),
        (bool(image) and _holds(outcome, _NOT_THERE), "image_unknown", False),
        (bool(image) and _holds(outcome, _REGISTRY_GONE), "registry_unreachable", True),
        ("no space left on device" in outcome.output.lower(), "disk_full", False),
    )
    for is_it, code, is_passing in causes:
        if is_it:
            return Failure(code, image=image, output=said, is_passing=is_passing)
    return Failure("tool_failed", tool="docker", exit_code=outcome.code, output=said)


def _compose(
    project: Project,
    arguments: Sequence[str],
    *,
    seconds: float,
    environment: Mapping[str, str] | None = None,
    secrets: Sequence[str] = (),
    on_output: Say | None = None,
) -> Outcome:
    words = [*_know_compose(project.host), "--project-name", project.name, "--file", project.file]
    if project.host.read_text(project.release_path) is not None:
        words += ["--env-file", RELEASE_FILE]
    outcome = project.host.run(
        [*words, *arguments],
        seconds=seconds,
        environment=environment,
        secrets=(*project.secrets, *secrets),
        folder=project.folder,
        on_output=on_output,
    )
    if not outcome.is_ok:
        raise explain(outcome)
    return outcome


def _holds(outcome: Outcome, words: Sequence[str]) -> bool:
    return any(word in outcome.output for word in words)


def _is_once(row: Mapping[str, Any]) -> bool:
    labels = row["Config"].get("Labels") or {}
    return str(labels.get("com.docker.compose.oneoff", "")).lower() == "true"


def _read_container(row: Mapping[str, Any]) -> Container:
    labels, state = row["Config"].get("Labels") or {}, row["State"]
    return Container(
        name=str(row["Name"]).lstrip("/"),
        service=str(labels.get("com.docker.compose.service", "")),
        image_id=str(row["Image"]),
        state=str(state["Status"]),
        health=str((state.get("Health") or {}).get("Status", "")),
    )
