"""Which engine runs Heliograph here: Docker Compose where it is whole, else the native runner, and why.

Owns that decision, the images it needs, and the few words said to `docker compose`. What the containers are is in docker-compose.yml.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, say, step

IMAGE = "heliograph"  # ours: built, never pulled
COMPOSE_MAJOR_MIN = 2
PROBE_S = 15
PULL_LIMIT_S = 600
BUILD_LIMIT_S = 900
ENGINES = ("auto", "compose", "native")


def choose(layout: Layout) -> str:
    """`compose` or `native`: as HELIOGRAPH_ENGINE says, else as the last time, for there the data is, else as the machine allows; says why."""
    asked = os.environ.get("HELIOGRAPH_ENGINE", "auto")
    if asked not in ENGINES:
        raise Trouble(f"HELIOGRAPH_ENGINE={asked}: {', '.join(ENGINES)}")
    wanted = recorded(layout) or asked if asked == "auto" else asked
    if wanted == "native":
        return "native"
    lack = _compose_lacks(layout.tree)
    if lack and wanted == "compose":
        raise Trouble(f"Docker Compose cannot be used: {lack}")
    if lack:
        say(f"running natively, without containers: {lack}")
        return "native"
    return "compose"


def recorded(layout: Layout) -> str:
    """What ran the last time; empty when nothing has."""
    path = layout.home / "run" / "engine"
    return path.read_text() if path.exists() else ""


def record(layout: Layout, engine: str) -> None:
    layout.make()
    (layout.home / "run" / "engine").write_text(engine)


def ports_file(layout: Layout) -> Path:
    return layout.home / "compose" / "ports.env"


def compose(layout: Layout, *arguments: str) -> bool:
    ports = ports_file(layout)
    told = ["--env-file", str(ports)] if ports.exists() else []
    return subprocess.run(["docker", "compose", *told, *arguments], cwd=layout.tree, check=False).returncode == 0


def _compose_lacks(tree: Path) -> str | None:
    if not (tree / "docker-compose.yml").exists():
        return "this tree has no docker-compose.yml"
    if shutil.which("docker") is None:
        return "there is no docker here"
    version = re.match(r"v?(\d+)\.", _answer("docker", "compose", "version", "--short") or "")
    if version is None or int(version[1]) < COMPOSE_MAJOR_MIN:
        return f"docker has no compose plugin of version {COMPOSE_MAJOR_MIN} or newer"
    if _answer("docker", "info") is None:
        return "no Docker daemon answers"
    return _images_lack(tree)


def _images_lack(tree: Path) -> str | None:
    """Pulls what is not at hand, and builds ours, which takes a second when nothing has changed."""
    # Not asked of `docker compose config`, which wants passwords, which are made with our image.
    named = re.findall(r"^ +image: (\S+)$", (tree / "docker-compose.yml").read_text(), re.MULTILINE)
    for image in sorted(set(named) - {IMAGE}):
        if _answer("docker", "image", "inspect", image) is None:
            with step(f"pulling {image}"):
                trouble = _fails(tree, PULL_LIMIT_S, "docker", "pull", "--quiet", image)
            if trouble:
                return f"the image {image} is neither at hand nor to be had ({trouble})"
    index = ("--build-arg=PIP_INDEX_URL", "--build-arg=PIP_EXTRA_INDEX_URL")
    with step(f"building the image {IMAGE}"):
        trouble = _fails(
            tree, BUILD_LIMIT_S, "docker", "build", *index, "--file=deploy/Dockerfile", f"--tag={IMAGE}", "."
        )
    return f"the image {IMAGE} cannot be built (docker build --file=deploy/Dockerfile . says why)" if trouble else None


def _fails(tree: Path, limit_s: float, *command: str) -> str:
    """The last line of what it complained about; empty when it succeeded."""
    try:
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {limit_s:.0f} s"
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]


def _answer(*command: str) -> str | None:
    """What it prints; None where it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S, check=False)
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None
