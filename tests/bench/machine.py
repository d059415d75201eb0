"""The machine a figure was taken on: what it is, how it is set, and how busy others kept it. Reads, changes nothing."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles

from deploy.native.fleet import PROBE_S
from tests.infra import Infra

SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "wal_compression")
LIBRARIES = ("aio-pika", "asyncpg", "fastapi", "pydantic", "uvicorn", "uvloop")
SYNCS = 200
BLOCK_BYTES = 4096


def describe(infra: Infra) -> dict[str, str]:
    """Of a platform that runs: its queues are told too."""
    assert infra.rabbitmq is not None
    cpu = next(line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    overview = infra.rabbitmq.api("overview")
    return {
        "processor": f"{os.cpu_count()} x {cpu.partition(':')[2].strip()}",
        "memory": f"{memory_kb / 1024 / 1024:.0f} GiB",
        "system": f"Linux {platform.release()}, {platform.freedesktop_os_release()['PRETTY_NAME']}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "postgresql": infra.sql("SHOW server_version"),
        "settings": ", ".join(f"{name}={infra.sql(f'SHOW {name}')}" for name in SHOWN),
        "rabbitmq": f"{overview['rabbitmq_version']}, Erlang {overview['erlang_version']}",
        "queues": _queues(infra),
        "commit": _commit(),
        "append and fdatasync of 4 KiB": "p50 {:.2f} ms, p99 {:.2f} ms".format(*_sync_ms()),
    }


def _queues(infra: Infra) -> str:
    assert infra.rabbitmq is not None
    kinds = Counter(
        f"{queue['type']}{', exclusive to a process' if queue['exclusive'] else ''}"
        for queue in infra.rabbitmq.api("queues/heliograph")
    )
    return "; ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), reverse=True))


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    told = subprocess.run(
        asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False, timeout=PROBE_S
    )
    return told.stdout.strip() or "not from a clone"


def _sync_ms() -> tuple[float, float]:
    took = []
    with tempfile.TemporaryFile() as file:
        for _ in range(SYNCS):
            begun = time.perf_counter()
            file.write(bytes(BLOCK_BYTES))
            file.flush()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    return quantile(took, 50), quantile(took, 99)


def quantile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1] if len(values) > 1 else values[0]


def busy_s() -> float:
    """Seconds in which a core did anything, for anybody, since the start of the machine; all cores together."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def foreign_percent(busy: float, ours: Mapping[str, float], took_s: float) -> float:
    """What others took of the whole machine meanwhile."""
    return max(0.0, 100 * (busy - sum(ours.values())) / (took_s * (os.cpu_count() or 1)))
