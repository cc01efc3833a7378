"""A real container engine without a network, and a registry to pull from: started here, gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: The engine's own client and server, wherever else something of that name lies.
FOLDERS = "/usr/bin:/usr/sbin:/bin:/sbin"
BUSYBOX = Path("/bin/busybox")
NEEDED = ("/usr/sbin/dockerd", "/usr/bin/docker", "/usr/bin/docker-compose", "/usr/bin/docker-registry", str(BUSYBOX))
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
COPY app /app
ENTRYPOINT ["/bin/busybox", "sh", "/app/run.sh"]
"""
#: Answers /health with its version; other words of the command line do what a target's commands do.
RUN = """\
#!/bin/sh
B=/bin/busybox
case "$1" in
  serve) exec $B httpd -f -p 127.0.0.1:$2 -h /app/www ;;
  env) exec $B env ;;
  migrate) $B echo migrated to VERSION ;;
  fail) $B echo it went wrong; exit 3 ;;
  hang) $B sleep 600 ;;
  *) $B echo VERSION; $B true ;;
esac
"""
COMPOSE = """\
version: "3.9"
services:
  till:
    image: "${TILL_IMAGE}"
    command: ["serve", "%d"]
    network_mode: host
    init: true
    stop_grace_period: 2s
  once:
    image: "${TILL_IMAGE}"
    profiles: ["commands"]
    network_mode: host
"""


def find_missing() -> str:
    """Return why no engine can be started here, empty where one can."""
    if os.geteuid() != 0:
        return "Only root starts an engine of its own: run as root."
    missing = [path for path in NEEDED if not Path(path).exists()]
    if missing:
        names = "docker.io docker-compose docker-registry busybox-static"
        return f"{missing[0]} is missing: apt-get install --no-install-recommends {names}"
    return ""


def find_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Engine:
    """A running engine. `folder`: everything of it; `registry`: host and port."""

    folder: Path
    registry: str

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def docker(self, *arguments: str) -> str:
        """Call the engine's client; fail where it fails."""
        environment = {"PATH": FOLDERS, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0", "HOME": str(self.folder)}
        done = subprocess.run(
            ["/usr/bin/docker", *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def remove_project(self, name: str) -> None:
        """Remove the containers of a compose project, whatever they do."""
        found = self.docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()
        if found:
            self.docker("rm", "--force", *found)

    def push(self, version: str) -> str:
        """Build an image of a version, have the registry hold it and the engine forget it; return its digest name."""
        folder = self.folder / f"build-{version}"
        (folder / "app" / "www").mkdir(parents=True)
        shutil.copy(BUSYBOX, folder / "busybox")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "app" / "run.sh").write_text(RUN.replace("VERSION", version))
        (folder / "app" / "www" / "health").write_text(version)
        tag = f"{self.registry}/till:{version}"
        self.docker("build", "--quiet", "--tag", tag, str(folder))
        self.docker("push", tag)
        name = self.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", tag)
        self.docker("rmi", tag)
        return name


@contextmanager
def start_engine(folder: Path) -> Iterator[Engine]:
    """Start an engine and a registry, and stop both by their process ids."""
    port = find_port()
    config = folder / "registry.yml"
    storage = f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {folder}/registry\n"
    config.write_text(f"{storage}http:\n  addr: 127.0.0.1:{port}\n")
    command = ["/usr/sbin/dockerd", "--data-root", f"{folder}/root", "--exec-root", f"{folder}/exec"]
    command += ["-H", f"unix://{folder}/docker.sock", "--storage-driver=vfs", "--iptables=false", "--ip6tables=false"]
    command += ["--ip-forward=false", "--bridge=none", "--pidfile", f"{folder}/pid"]
    environment = {"PATH": FOLDERS, "HOME": str(folder)}
    engine = Engine(folder, f"127.0.0.1:{port}")
    with (folder / "engine.log").open("wb") as log:
        registry = subprocess.Popen(
            ["/usr/bin/docker-registry", "serve", str(config)], env=environment, stdout=log, stderr=log
        )
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(lambda: (folder / "docker.sock").exists() and _answers(engine), log=folder / "engine.log")
            yield engine
        finally:
            _remove_all(engine)
            for process in (server, registry):
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            # The engine leaves its namespace mounted, and what is mounted cannot be deleted.
            subprocess.run(["umount", f"{folder}/exec/netns/default"], capture_output=True, check=False)


def _answers(engine: Engine) -> bool:
    try:
        engine.docker("version")
    except (AssertionError, subprocess.TimeoutExpired):
        return False
    return True


def _remove_all(engine: Engine) -> None:
    try:
        found = engine.docker("ps", "--all", "--quiet").split()
        if found:
            engine.docker("rm", "--force", *found)
    except (AssertionError, subprocess.TimeoutExpired):
        return


def _wait(holds: Callable[[], object], *, log: Path, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, log.read_text(errors="replace")[-2_000:]
        time.sleep(0.1)


def write_project(folder: Path, *, port: int) -> None:
    """Write a compose project that serves on a port of loopback."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "docker-compose.yml").write_text(COMPOSE % port)
