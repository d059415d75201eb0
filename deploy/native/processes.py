"""Detached processes: started, remembered in a file, found again, stopped.

Owns the files in `run/`. A pid counts only with its start time, so a number given to somebody else is never signalled.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

POLL_S = 0.05
KILL_LIMIT_S = 10  # the kernel frees the memory of a big process within a second or two


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    start_ticks: int  # field 22 of /proc/<pid>/stat
    fingerprint: str = ""  # of the settings it was started with

    def is_alive(self) -> bool:
        return start_ticks(self.pid) == self.start_ticks


def start_ticks(pid: int) -> int | None:
    """Clock ticks after boot at which `pid` started; None where there is no such process, or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def run_as(user: str | None) -> dict[str, Any]:
    """The arguments of subprocess that make root become `user`; nothing for everybody else."""
    if user is None or os.geteuid() != 0:
        return {}
    return {"user": user, "group": user, "extra_groups": []}


def start(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    directory: Path,
    log: Path,
    *,
    user: str | None = None,
    fingerprint: str = "",
) -> Process:
    """Starts `command` in a session of its own, so that it outlives the terminal; its output is appended to `log`."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **run_as(user),
        )
    ticks = start_ticks(child.pid)
    return Process(child.pid, -1 if ticks is None else ticks, fingerprint)


def remember(path: Path, process: Process) -> None:
    path.write_text(json.dumps(asdict(process)))


def recall(path: Path) -> Process | None:
    """What was remembered, dead or alive."""
    try:
        return Process(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def living(path: Path) -> Process | None:
    process = recall(path)
    return process if process and process.is_alive() else None


def stop(processes: Sequence[Process], grace_s: float) -> list[Process]:
    """Asks all to end, waits, and kills those that did not within `grace_s`: these are answered."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    left = _outlive(processes, grace_s)
    kill(left)
    return left


def kill(processes: Sequence[Process]) -> None:
    """Ends them at once; answers when they are gone."""
    for process in processes:
        _signal(process, signal.SIGKILL)
    _outlive(processes, KILL_LIMIT_S)


def _signal(process: Process, number: signal.Signals) -> None:
    if process.is_alive():
        with suppress(ProcessLookupError):  # ended meanwhile
            os.kill(process.pid, number)


def _outlive(processes: Sequence[Process], limit_s: float) -> list[Process]:
    """Those still alive after `limit_s`; answers as soon as there are none."""
    give_up = time.monotonic() + limit_s
    while (alive := [process for process in processes if process.is_alive()]) and time.monotonic() < give_up:
        time.sleep(POLL_S)
    return alive


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a log, indented, for a message about why something died."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return "      (no log)"
    return "\n".join(f"      {line}" for line in lines)
