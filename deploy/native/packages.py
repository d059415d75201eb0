"""What must be installed: PostgreSQL and RabbitMQ by apt, the Python packages by pip into `.venv`.

Owns `.venv`. Keeps apt from starting or restarting any server of the system. A second call finds everything there and is instant.
"""

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.native import postgres, rabbitmq
from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, long_step, say, step

PYTHON_MIN = (3, 11)
POLICY = Path("/usr/sbin/policy-rc.d")  # asked by maintainer scripts before they start anything; 101 means no
POLICY_SAVED = POLICY.with_name("policy-rc.d.before-heliograph")


def ensure_system() -> None:
    """PostgreSQL, RabbitMQ and Python's venv module, by apt where they are missing."""
    missing = missing_packages()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise Trouble(f"not installed: {', '.join(missing)}; there is no apt-get here, so please install them by hand")
    if os.geteuid() != 0:
        raise Trouble(
            f"not installed: {', '.join(missing)}; run as root once, or: sudo apt-get install {' '.join(missing)}"
        )
    with long_step(f"installing {', '.join(missing)} with apt"), _servers_kept_stopped():
        _apt("update", "--quiet")
        _apt("install", "--yes", "--no-install-recommends", *missing)
    if Path(
        "/run/systemd/system"
    ).exists():  # freshly installed, so nobody's: they would take 5432 and 5672 at the next boot
        servers = [name for name in ("postgresql", "rabbitmq-server") if name in missing]
        subprocess.run(["systemctl", "disable", "--quiet", *servers], check=False)


def missing_packages() -> list[str]:
    if sys.version_info < PYTHON_MIN:
        raise Trouble(
            f"this is Python {platform.python_version()}; Heliograph needs 3.11 or newer (make PYTHON=python3.11 ...)"
        )
    needed = {
        "postgresql": postgres.find_binaries() is not None,
        "rabbitmq-server": rabbitmq.PROGRAM.exists(),
        "python3-venv": importlib.util.find_spec("ensurepip") is not None,
    }
    return [name for name, is_there in needed.items() if not is_there]


def _apt(*arguments: str) -> None:
    """Shows a line a package; the rest only when it fails."""
    lines: list[str] = []
    with subprocess.Popen(
        ["apt-get", "-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=2", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as apt:
        assert apt.stdout is not None
        for line in apt.stdout:
            lines.append(line.rstrip())
            if line.startswith(("Get:", "Setting up")):
                say(f"    {line.rstrip()[:100]}")
    # `update` ends well even when no source could be reached
    unreachable = [line for line in lines if line.startswith(("Err:", "E:", "W: Failed to fetch"))]
    if apt.returncode != 0 or (arguments[0] == "update" and unreachable):
        reasons = "\n".join(f"      {line}" for line in (unreachable or lines)[-8:])
        raise Trouble(f"apt-get {arguments[0]} failed; is a package source reachable from here?\n{reasons}")


@contextmanager
def _servers_kept_stopped() -> Iterator[None]:
    """While this lasts no package starts, stops or restarts a server of the system."""
    if POLICY.exists():
        POLICY.rename(POLICY_SAVED)
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
        if POLICY_SAVED.exists():
            POLICY_SAVED.rename(POLICY)


def ensure_venv(layout: Layout, *, development: bool) -> None:
    """`.venv` with exactly the locked packages: those to run, and with `development` those to test as well."""
    kinds = ["runtime", "dev"]
    locks = {kind: layout.tree / "requirements" / f"{kind}.txt" for kind in kinds}
    stamp = layout.venv / "heliograph-packages"
    done = stamp.read_text().split() if stamp.exists() and layout.python.exists() else []
    if any(_digest(locks[kind]) in done for kind in (kinds[1:] if development else kinds)):
        return  # the development packages hold those to run
    kind = "dev" if development else "runtime"
    with step("making .venv"):
        if not layout.python.exists():
            _run([sys.executable, "-m", "venv", "--clear", layout.venv], "making .venv failed")
        if subprocess.run([layout.python, "-c", "import pip"], capture_output=True, check=False).returncode != 0:
            _run([layout.python, "-m", "ensurepip"], "there is no pip for .venv")
    count = locks[kind].read_text().count("==")
    with step(f"installing {count} Python packages ({kind}) into .venv"):
        pip = [str(layout.python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        _run(
            [*pip, "install", "--require-hashes", "-r", locks[kind]],
            "pip failed; is a package index reachable from here?",
        )
    stamp.write_text(_digest(locks[kind]))


def _digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()


def _run(command: Sequence[str | Path], trouble: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = "\n".join(f"      {line}" for line in (done.stdout + done.stderr).splitlines()[-12:])
        raise Trouble(f"{trouble}\n{reasons}")
