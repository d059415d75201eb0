"""Where everything of a native installation is.

    .heliograph/
        postgres/  rabbitmq/   their data (links to /var/lib/heliograph-* where their users cannot enter the tree)
        simulator/             the log of the far side
        logs/                  one file a process
        run/                   pid and start time of each process; lock; which engine runs
        env/                   what each process is told, secrets included (0600)
        bin/heliograph         the command line with its environment
        ports.json  secrets.json

Owns these folders. Never holds anything that `make clean` may not delete.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.native.processes import run_as

OPEN_FOLDERS = ("simulator", "logs", "bin")
CLOSED_FOLDERS = ("run", "env")
DATA_FOLDERS = ("postgres", "rabbitmq")  # written by users of their own
DATA_ELSEWHERE = Path("/var/lib")


@dataclass(frozen=True, slots=True)
class Layout:
    tree: Path

    @property
    def home(self) -> Path:
        return self.tree / ".heliograph"

    @property
    def venv(self) -> Path:
        return self.tree / ".venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    def data(self, name: str) -> Path:
        return (self.home / name).resolve()

    def log(self, name: str) -> Path:
        return self.home / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        return self.home / "run" / f"{name}.json"

    def env_file(self, name: str) -> Path:
        return self.home / "env" / f"{name}.env"

    def make(self) -> None:
        """The folders that hold nothing of PostgreSQL and RabbitMQ. Repeatable."""
        self.home.mkdir(mode=0o711, exist_ok=True)
        for name in OPEN_FOLDERS:
            (self.home / name).mkdir(exist_ok=True)
        for name in CLOSED_FOLDERS:
            (self.home / name).mkdir(mode=0o700, exist_ok=True)

    def make_data(self) -> None:
        """The folders of PostgreSQL and RabbitMQ, here or where their users can reach them. Repeatable; needs both users."""
        for name in DATA_FOLDERS:
            here = self.home / name
            if here.exists():
                continue
            if _may_enter(self.home, user=name):
                here.mkdir()
            else:
                elsewhere = self._elsewhere() / name
                elsewhere.mkdir(parents=True, exist_ok=True)
                here.symlink_to(elsewhere)
            if run_as(name):
                shutil.chown(here, name, name)
            here.chmod(0o700)

    def remove(self) -> None:
        if self._elsewhere().exists():
            shutil.rmtree(self._elsewhere())
        if self.home.exists():
            shutil.rmtree(self.home)

    def _elsewhere(self) -> Path:
        return DATA_ELSEWHERE / f"heliograph-{hashlib.sha256(str(self.tree).encode()).hexdigest()[:12]}"


def _may_enter(folder: Path, user: str) -> bool:
    """Asked of the kernel, as that user: modes, ACLs and mounts all count. A clone under /root is the usual no."""
    if os.geteuid() != 0:
        return True
    return subprocess.run(["test", "-x", folder], check=False, **run_as(user)).returncode == 0
