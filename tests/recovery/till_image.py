"""The demo's real till in images of its own, small ones: this machine's Python is lent to its containers, not copied.

The engine's storage copies every file of an image for each container. So an image holds the till's source alone, and
its compose project mounts the interpreter, its libraries and this environment's packages read-only.
"""

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.recovery.engine import Engine

TILL = Path(__file__).resolve().parents[2] / "examples" / "till"
PACKAGES = "/packages"
DOCKERFILE = """\
FROM scratch
COPY server /app/server
WORKDIR /app
ENV TILL_VERSION={version} PYTHONPATH={packages} PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["{python}", "-m", "server"]
"""
COMPOSE = """\
version: "3.9"
x-till: &till
  image: "${{TILL_IMAGE}}"
  network_mode: host
  env_file: till.env
  volumes:
{volumes}
services:
  till:
    <<: *till
    command: ["serve", "--port", "{port}"]
    init: true
    stop_grace_period: 5s
  once:
    <<: *till
    profiles: ["commands"]
"""


def push_till(engine: Engine, version: str) -> str:
    """Build the till's image of a version and have the registry hold it; return its name by digest."""
    folder = Path(tempfile.mkdtemp(prefix=f"till-{version}-", dir=engine.folder))
    shutil.copytree(TILL / "server", folder / "server", ignore=shutil.ignore_patterns("__pycache__"))
    text = DOCKERFILE.format(version=version, packages=PACKAGES, python=Path(sys.executable).resolve())
    (folder / "Dockerfile").write_text(text)
    tag = f"{engine.registry}/real-till:{version}"
    engine.docker("build", "--quiet", "--tag", tag, str(folder))
    engine.docker("push", tag)
    name = engine.docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", tag)
    engine.docker("rmi", tag)
    return name


def write_till_project(folder: Path, *, port: int, url: str) -> None:
    """Write the till's compose project, and the address of its database into a file of its own beside it."""
    folder.mkdir(parents=True)
    lent = [(path, path) for path in (sys.base_prefix, "/usr/lib", "/lib", "/lib64") if Path(path).exists()]
    lent.append((sysconfig.get_paths()["purelib"], PACKAGES))
    volumes = "\n".join(f'    - "{here}:{there}:ro"' for here, there in lent)
    (folder / "docker-compose.yml").write_text(COMPOSE.format(port=port, volumes=volumes))
    (folder / "till.env").write_text(f"DATABASE_URL={url}\n")
