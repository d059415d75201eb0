"""Which engine runs Heliograph here: Docker Compose where it is whole, else the native runner, and why.

Owns that decision, and the few words said to `docker compose`. What the containers are is in docker-compose.yml.
"""

import os
import shutil
import subprocess
from pathlib import Path

from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, long_step, say

PROBE_S = 15
PULL_LIMIT_S = 900
ENGINES = ("auto", "compose", "native")


def choose(layout: Layout) -> str:
    """`compose` or `native`, as HELIOGRAPH_ENGINE says or as the machine allows; says why."""
    wanted = os.environ.get("HELIOGRAPH_ENGINE", "auto")
    if wanted not in ENGINES:
        raise Trouble(f"HELIOGRAPH_ENGINE={wanted}: {', '.join(ENGINES)}")
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
    path = layout.home / "run" / "engine"
    return path.read_text() if path.exists() else "native"


def record(layout: Layout, engine: str) -> None:
    layout.make()
    (layout.home / "run" / "engine").write_text(engine)


def compose(layout: Layout, *arguments: str) -> bool:
    return subprocess.run(["docker", "compose", *arguments], cwd=layout.tree, check=False).returncode == 0


def _compose_lacks(tree: Path) -> str | None:
    if not (tree / "docker-compose.yml").exists():
        return "this tree has no docker-compose.yml"
    if shutil.which("docker") is None:
        return "there is no docker here"
    if not _says_yes("docker", "compose", "version", "--short"):
        return "docker has no compose plugin (version 2 is needed)"
    if not _says_yes("docker", "info"):
        return "no Docker daemon answers"
    images = subprocess.run(
        ["docker", "compose", "config", "--images"], cwd=tree, capture_output=True, text=True, check=False
    )
    if images.returncode != 0:
        return f"docker compose cannot read docker-compose.yml: {images.stderr.strip()[-200:]}"
    absent = [image for image in images.stdout.split() if not _says_yes("docker", "image", "inspect", image)]
    if absent and not _fetch(tree, absent):
        return f"images are neither at hand nor to be had: {', '.join(absent)}"
    return None


def _fetch(tree: Path, absent: list[str]) -> bool:
    with long_step(f"fetching images: {', '.join(absent)}"):
        for words in (("pull", "--ignore-buildable"), ("build",)):
            try:
                subprocess.run(["docker", "compose", *words], cwd=tree, check=True, timeout=PULL_LIMIT_S)
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                return False
    return True


def _says_yes(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=PROBE_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
