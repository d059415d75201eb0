"""What processes use of the machine, and their end all at once. Reads /proc; signals only what it is given."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from deploy.native.processes import start_ticks

GONE_LIMIT_S = 10.0


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(parent: int) -> list[int]:
    return [int(pid) for path in Path(f"/proc/{parent}/task").glob("*/children") for pid in path.read_text().split()]


def kill_all(pids: Iterable[int]) -> None:
    """SIGKILL to each, one directly after the other; answers when all are gone."""
    killed = list(pids)
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    give_up = time.monotonic() + GONE_LIMIT_S
    while alive := [pid for pid in killed if start_ticks(pid) is not None]:
        assert time.monotonic() < give_up, f"still alive after SIGKILL: {alive}"
        time.sleep(0.01)
