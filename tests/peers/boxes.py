"""Kannel's bearerbox and smsbox, and a Redis where receipts are kept in one: configured, started, killed, stopped.

Owns these processes, their ports and their folder. Knows nothing of what is sent: one SMPP transceiver to the far side, sendsms by HTTP, texts from
handsets to a URL.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

from deploy.native import processes
from deploy.native.ports import LOOPBACK, free_ports
from deploy.native.processes import Process, last_lines
from deploy.native.terminal import wait_until

SYSTEM_ID, SYSTEM_PASSWORD = "kannel", "simulate"
USER, PASSWORD = "peers", "peers"
START_LIMIT_S = 30.0
STOP_LIMIT_S = 15.0

CONFIGURATION = """\
group = core
admin-port = {admin}
admin-password = peers
smsbox-port = {boxes}
log-file = "{folder}/bearerbox.log"
log-level = 1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
dlr-storage = {receipts}
{store}
{redis}
group = smsc
smsc = smpp
smsc-id = network
host = 127.0.0.1
port = {smpp}
transceiver-mode = true
smsc-username = {system_id}
smsc-password = {system_password}
system-type = ""
max-pending-submits = {window}
enquire-link-interval = 10
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {boxes}
sendsms-port = {sendsms}
log-file = "{folder}/smsbox.log"
log-level = 1
max-pending-requests = 512

group = sendsms-user
username = {user}
password = {password}
max-messages = 10
concatenation = true
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"

group = sms-service
keyword = default
catch-all = true
omit-empty = true
max-messages = 0
get-url = "{texts_to}"
"""

SPOOL = """\
store-type = spool
store-location = "{folder}/spool"
"""

REDIS = """\
group = redis-connection
id = receipts
host = 127.0.0.1
port = {port}
max-connections = 4

group = dlr-db
id = receipts
table = dlr
field-smsc = smsc
field-timestamp = ts
field-source = source
field-destination = destination
field-service = service
field-url = url
field-mask = mask
field-status = status
field-boxc-id = boxc
"""


class Boxes:
    """`texts_to`: the `get-url` for texts from handsets. `spool`: texts are kept in files, the most durable store it has; else in memory alone.
    `redis`: what receipts are awaited is kept in a Redis that appends to a file; else in memory. `window`: submits without an answer."""

    def __init__(
        self, folder: Path, smpp_port: int, texts_to: str, *, spool: bool = False, redis: bool = False, window: int = 50
    ) -> None:
        self._folder = folder
        self.sendsms_port, self._boxes_port, admin, self._redis_port = free_ports(4)
        self._has_redis = redis
        self._running: dict[str, Process] = {}
        (folder / "spool").mkdir(exist_ok=True)
        (folder / "kannel.conf").write_text(
            CONFIGURATION.format(
                folder=folder,
                admin=admin,
                boxes=self._boxes_port,
                sendsms=self.sendsms_port,
                smpp=smpp_port,
                window=window,
                texts_to=texts_to,
                receipts="redis" if redis else "internal",
                store=SPOOL.format(folder=folder) if spool else "",
                redis=REDIS.format(port=self._redis_port) if redis else "",
                system_id=SYSTEM_ID,
                system_password=SYSTEM_PASSWORD,
                user=USER,
                password=PASSWORD,
            )
        )

    def start(self) -> None:
        """Also after a kill, with what it left in its files."""
        if self._has_redis:
            redis = ["redis-server", "--port", str(self._redis_port), "--bind", LOOPBACK]
            self._start("redis", [*redis, "--appendonly", "yes", "--save", ""], self._redis_port)
        for program, port in (("bearerbox", self._boxes_port), ("smsbox", self.sendsms_port)):
            self._start(program, [f"/usr/sbin/{program}", str(self._folder / "kannel.conf")], port)

    def stop(self) -> None:
        processes.stop(list(reversed(self._running.values())), STOP_LIMIT_S)
        self._running.clear()

    def kill(self) -> None:
        processes.kill(list(self._running.values()))
        self._running.clear()

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    def _start(self, name: str, command: list[str], port: int) -> None:
        out = self._folder / f"{name}.out"
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        self._running[name] = process = processes.start(command, environment, self._folder, out)
        wait_until(name, START_LIMIT_S, _closed(port), _ended(process, name, out))


def _closed(port: int) -> Callable[[], str]:
    def lacks() -> str:
        with socket.socket() as probe:
            return os.strerror(failed) if (failed := probe.connect_ex((LOOPBACK, port))) else ""

    return lacks


def _ended(process: Process, program: str, out: Path) -> Callable[[], str | None]:
    return lambda: None if process.is_alive() else f"{program} ended:\n{last_lines(out)}"
