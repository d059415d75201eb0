"""`make up` from stopped to ready, with the native runner, in a copy of the tree: an installation of its own, gone at the end.

Each function does one run, as those of figures.py do. Owns the copy, its ports and its processes; never touches what runs under .heliograph here.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.native import packages
from deploy.native.ports import free_ports
from tests.bench.figures import Run, World
from tests.bench.fleet import TREE

UP = "make up, stopped to ready, s"
COPIED = ("Makefile", "deploy", "libs", "services", "requirements")


class Installation:
    """A copy of what `make up` needs. The packages are those of .venv here, by links: what is measured is starting, not installing."""

    def __init__(self) -> None:
        self.tree = Path(tempfile.mkdtemp(prefix="heliograph-bench-up-"))
        for name in COPIED:
            source = TREE / name
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, self.tree / name)
        self._venv()
        http, control = free_ports(2)
        self._told = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "HELIOGRAPH_ENGINE": "native",
            "HELIOGRAPH_HTTP_PORT": str(http),
            "HELIOGRAPH_CONTROL_PORT": str(control),
        }

    def _venv(self) -> None:
        here, there = TREE / ".venv", self.tree / ".venv"
        there.mkdir()
        for part in here.iterdir():
            if part.name != "heliograph-packages":
                (there / part.name).symlink_to(part)
        stamp = packages._digest(self.tree / "requirements" / "dev.txt")
        (there / "heliograph-packages").write_text(stamp)

    def make(self, target: str) -> float:
        """The seconds it took."""
        begun = time.monotonic()
        done = subprocess.run(
            ["make", target, f"PYTHON={sys.executable}"],
            cwd=self.tree,
            env=self._told,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"make {target} failed:\n{done.stdout}\n{done.stderr}"
        return time.monotonic() - begun

    def remove(self) -> None:
        self.make("clean")
        shutil.rmtree(self.tree)


async def prepare(world: World, _: int) -> Installation:
    """Made, started once and stopped: what is measured is no first start."""
    if "installation" not in world.kept:
        installation = world.kept["installation"] = await asyncio.to_thread(Installation)
        world.at_end.append(installation.remove)
        await asyncio.to_thread(installation.make, "up")
        await asyncio.to_thread(installation.make, "down")
    kept: Installation = world.kept["installation"]
    return kept


async def up(_: World, __: int, installation: Installation) -> Run:
    seconds = await asyncio.to_thread(installation.make, "up")
    await asyncio.to_thread(installation.make, "down")
    return Run(1, {UP: seconds})
