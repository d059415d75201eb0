"""What the peers need and Heliograph does not: Kannel and Redis by apt, Jasmin by pip in a virtual environment of its own.

Owns .heliograph/peers/jasmin, which is kept for the next run and goes with `make clean`. Starts no server of the system.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from deploy.native import packages
from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, long_step

JASMIN = "jasmin==0.11.1"
SETUPTOOLS = "setuptools<81"  # later ones lack pkg_resources, which Jasmin's libraries import
DEBIAN = {  # what is missing: what brings it
    "bearerbox": ("kannel", "kannel-extras"),
    "redis-server": ("redis-server",),
}


def programs(*names: str) -> None:
    """Installs what is not there."""
    missing = [package for name in names if _program(name) is None for package in DEBIAN[name]]
    if missing:
        with long_step(f"installing {', '.join(missing)} with apt"), packages._servers_kept_stopped():
            packages._apt("update", "--quiet")
            packages._apt("install", "--yes", "--no-install-recommends", *missing)


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")


def jasmin_venv(layout: Layout) -> Path:
    """Its folder of programs."""
    venv = layout.home / "peers" / "jasmin"
    done = venv / "installed"
    if not done.exists():
        with long_step(f"installing {JASMIN} in {venv.relative_to(layout.tree)}"):
            venv.parent.mkdir(parents=True, exist_ok=True)
            _run([sys.executable, "-m", "venv", "--clear", venv])
            _run([venv / "bin" / "pip", "install", "--quiet", SETUPTOOLS, "wheel"])
            _run([venv / "bin" / "pip", "install", "--quiet", JASMIN])
            _mend_receipts(venv)
        done.touch()
    return venv / "bin"


def _mend_receipts(venv: Path) -> None:
    """Jasmin 0.11.1 raises AttributeError ('SubmitSM' has no 'response') after every submit_sm_resp, so that no receipt is ever matched
    (jookies/jasmin#1236). One word."""
    [listeners] = venv.glob("lib/python3*/site-packages/jasmin/managers/listeners.py")
    source = listeners.read_text()
    assert "_pdu.response." in source, "not the Jasmin that is known"
    listeners.write_text(source.replace("_pdu.response.", "r.response."))


def _run(command: list[str | Path]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reasons = "\n".join(f"      {line}" for line in (done.stdout + done.stderr).splitlines()[-12:])
        raise Trouble(f"{' '.join(map(str, command))} failed\n{reasons}")
