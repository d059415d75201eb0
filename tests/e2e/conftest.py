"""The platform as `make up` runs it, natively, two copies of every service, in a tree of its own so that nobody's own platform is touched."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.native.ports import is_free

ROOT = Path(__file__).resolve().parents[2]
UP_LIMIT_S = 180


@dataclass(frozen=True)
class Installed:
    tree: Path
    gateways: list[str]
    control: str

    def runner(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.native", *command],
            cwd=self.tree,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UP_LIMIT_S,
            check=False,
        )

    def heliograph(self, *command: str) -> subprocess.CompletedProcess[str]:
        wrapper = self.tree / ".heliograph" / "bin" / "heliograph"
        return subprocess.run([wrapper, *command], capture_output=True, text=True, timeout=60, check=False)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(self.tree),
            "HELIOGRAPH_ENGINE": "native",
            "HELIOGRAPH_COPIES": "2",
            "HELIOGRAPH_HTTP_PORT": self.gateways[0].rpartition(":")[2],
            "HELIOGRAPH_CONTROL_PORT": self.control.rpartition(":")[2],
        }


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    tree = tmp_path_factory.mktemp("installed") / "tree"
    tree.mkdir()
    for folder in ("libs", "services", "deploy", "requirements"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / ".venv").symlink_to(ROOT / ".venv")
    http, control = _free(neighbours=2), _free()
    platform = Installed(tree, [f"http://127.0.0.1:{port}" for port in (http, http + 1)], f"http://127.0.0.1:{control}")
    up = platform.runner("up")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield platform
    finally:
        platform.runner("clean")


def _free(neighbours: int = 1) -> int:
    """The first of so many free ports side by side, below 32768, where Linux gives out ports to clients."""
    while True:
        first = random.randrange(20_000, 32_000)
        if all(is_free(port) for port in range(first, first + neighbours)):
            return first
