"""The whole platform for measuring: durable private PostgreSQL and RabbitMQ, the simulator, copies of each service, told what `make up` tells them.

Owns its servers, processes, ports and folder, and what they used of the machine. Never touches an installation under .heliograph.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deploy.native import environment, fleet, processes
from deploy.native.environment import STARTED, WITH_DATABASE, Ports, Secrets, instances
from deploy.native.layout import Layout
from deploy.native.ports import free_ports
from deploy.native.processes import Process
from libs.common.db import migrator
from tests.harness import PRIVATE_KEY, PUBLIC_KEY, VERIFICATION_KEY
from tests.infra import PASSWORD, Infra, start_infra

TREE = Path(__file__).parents[2]
TICK = os.sysconf("SC_CLK_TCK")
READY_LIMIT_S = 60.0
DRAIN_LIMIT_S = 30.0
LOOK_EVERY_S = 0.02
POSTGRES = "postgresql"


@dataclass
class Fleet:
    infra: Infra
    layout: Layout
    port: Ports
    secret: Secrets
    running: dict[str, Process] = field(default_factory=dict)
    copies: int = 0  # that run
    _backends: dict[int, tuple[str, float]] = field(
        default_factory=dict
    )  # pid: whose, and its CPU seconds when it was last seen

    @property
    def gateway_port(self) -> int:
        """The first one's."""
        return self.port["http:gateway"]

    @property
    def gateway_ports(self) -> list[int]:
        return [self.port[f"http:{name}"] for name in self.running if _service(name) == "gateway"]

    @property
    def submits_log(self) -> Path:
        return self.layout.home / "simulator" / "log.jsonl"

    def dsn(self, service: str) -> str:
        return self.infra.dsn(service)

    def start(self, copies: int = 1) -> float:
        """Starts all at once; the seconds until the last one said that it is ready."""
        begun = time.monotonic()
        self.copies = copies
        wanted = instances(copies)
        ours = [f"ops:{each.name}" for each in wanted]
        ours += [f"http:{each.name}" for each in wanted if each.service == "gateway"]
        # Found now: one that was free minutes ago may be somebody's end of a connection.
        self.port = Ports({**self.port.by_name, **dict(zip(ours, free_ports(len(ours)), strict=True))})
        for instance in wanted:
            told = environment.environment_of(self.layout, instance, self.port, self.secret, "development")
            self.running[instance.name] = processes.start(
                [sys.executable, "-m", instance.module],
                self._inherited() | told,
                TREE,
                self.layout.log(instance.name),
            )
        for name, process in self.running.items():
            while fleet.lacking(self.port[f"ops:{name}"]):
                log = processes.last_lines(self.layout.log(name))
                assert process.is_alive(), f"{name} died:\n{log}"
                assert time.monotonic() - begun < READY_LIMIT_S, f"{name} does not get ready:\n{log}"
                time.sleep(LOOK_EVERY_S)
        return time.monotonic() - begun

    def stop_services(self) -> None:
        processes.stop(list(reversed(self.running.values())), DRAIN_LIMIT_S)
        self.running.clear()

    def console(self, *arguments: str) -> str:
        """What it printed."""
        told = environment.environment_of_console(self.port, self.secret, "development")
        command = [sys.executable, "-m", "services.console", *arguments]
        environment_ = self._inherited() | told
        done = subprocess.run(command, cwd=TREE, env=environment_, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def control(self, path: str, body: bytes | None = None) -> Any:
        """One request to the simulator's control."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port['control']}{path}", data=body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def cpu_s(self) -> dict[str, float]:
        """User and system time since each began: of each service, its copies together; of PostgreSQL, each database's backends apart."""
        spent = dict.fromkeys((*STARTED, *(f"{POSTGRES} {name}" for name in WITH_DATABASE)), 0.0)
        for name, process in self.running.items():
            spent[_service(name)] += _cpu_s(process.pid)
        for pid in _family(self._postmaster()):
            with suppress(OSError):  # it ended
                self._backends[pid] = _database_of(pid), _cpu_s(pid)
        for database, seconds in self._backends.values():
            if database in WITH_DATABASE:
                spent[f"{POSTGRES} {database}"] += seconds
        backends = sum(seconds for name, seconds in spent.items() if name.startswith(POSTGRES))
        spent[f"{POSTGRES}, the rest"] = (
            _cpu_s_of_family(self._postmaster()) - backends
        )  # writers, autovacuum, others' backends
        spent["rabbitmq"] = _cpu_s(self._broker())
        return spent

    def pss_mb(self) -> dict[str, float]:
        """Proportional share of memory, so that the sum is what the machine gives; a service's copies together."""
        share = dict.fromkeys(STARTED, 0.0)
        for name, process in self.running.items():
            share[_service(name)] += fleet.memory_mb(process.pid) or 0.0
        share[POSTGRES] = sum(fleet.memory_mb(pid) or 0.0 for pid in _family(self._postmaster()))
        share["rabbitmq"] = fleet.memory_mb(self._broker()) or 0.0
        return share

    def _postmaster(self) -> int:
        pid = self.infra.postgres.pid() if self.infra.postgres else None
        assert pid is not None, "PostgreSQL runs natively"
        return pid

    def _broker(self) -> int:
        node = self.infra.rabbitmq.node() if self.infra.rabbitmq else None
        assert node is not None, "RabbitMQ runs natively"
        return node.pid

    def _inherited(self) -> dict[str, str]:
        return fleet.inherited(self.layout) | {"PYTHONPATH": str(TREE)}


async def new_fleet() -> Fleet:
    """Servers up, databases migrated, no service started yet."""
    os.environ["INFRA"] = "native"  # CPU and memory are read from the processes of this machine
    infra = start_infra(durable=True)
    layout = Layout(Path(tempfile.mkdtemp(prefix="heliograph-bench-")))
    layout.make()
    for service in WITH_DATABASE:
        await migrator.migrate(infra.dsn(service), service)
    names = ["carrier", "smpp", "message-api", "control", "http:gateway", *(f"ops:{service}" for service in STARTED)]
    management = urlsplit(infra.management_url).port
    assert management is not None
    known = {"postgres": infra.postgres_port, "amqp": infra.amqp_port, "management": management}
    everyone = dict.fromkeys(("admin", *environment.BROKER_USERS), PASSWORD)
    return Fleet(
        infra,
        layout,
        Ports(known | dict(zip(names, free_ports(len(names)), strict=True))),
        Secrets(PASSWORD, everyone, everyone, PRIVATE_KEY, PUBLIC_KEY, VERIFICATION_KEY),
    )


def _service(instance: str) -> str:
    return instance.partition("-")[0]


def _database_of(pid: int) -> str:
    """Which database a process of PostgreSQL serves; "" for those that serve none."""
    title = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode(errors="replace").split()
    return title[2] if len(title) > 3 and title[0] == "postgres:" else ""


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu_s(pid: int) -> float:
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICK


def _family(parent: int) -> list[int]:
    """The process and its children."""
    family = [parent]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if int(_fields(int(entry.name))[1]) == parent:
                    family.append(int(entry.name))
            except OSError:
                continue  # it ended between the listing and the reading
    return family


def _cpu_s_of_family(parent: int) -> float:
    """What the parent, the children it has reaped and those that live have used."""
    reaped = sum(int(value) for value in _fields(parent)[13:15]) / TICK
    total = reaped
    for pid in _family(parent):
        try:
            total += _cpu_s(pid)
        except OSError:
            continue  # it ended; the parent has its time now
    return total
