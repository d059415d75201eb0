"""Jasmin as a peer: Redis, jasmind and its three daemons, and a virtual host on the broker of the run.

Owns these processes, their ports and their configuration: told by environment variables, then by jcli. Knows nothing of Heliograph: one SMPP user,
a transmitter and a receiver bound to the far side, everything from the one to the others and back.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.native import processes
from deploy.native.ports import LOOPBACK, free_ports
from deploy.native.processes import Process, last_lines
from deploy.native.rabbitmq import ADMIN
from deploy.native.terminal import wait_until
from tests.infra import PASSWORD, Infra

VHOST = "jasmin"
TRANSMITTER, RECEIVER = "network-out", "network-in"
USER = "heliograph"
USER_PASSWORD = "peer"  # at most 8 characters
JCLI_USER, JCLI_PASSWORD = b"jcliadmin", b"jclipwd"  # as Jasmin comes
WITHOUT_NAGLE = Path(__file__).with_name("without_nagle.py")
DAEMONS = ("jasmind", "dlrlookupd", "dlrd", "deliversmd")
LISTENS = ("smpp-server", "smpp-server-pb", "router", "client-management", "jcli", "http-api")
LOCKS = Path("/tmp")  # where it writes them
REDIS_SAVES = ("3600 1 300 100 60 10000",)  # as Debian ships it
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
ANSWER_LIMIT_S = 20.0

# Two sessions to the far side: in one, Nagle's algorithm lets each submit_sm wait for the TCP acknowledgement of the deliver_sm_resp before it, 40 ms.
CONFIGURE = """\
group -a
gid peers
ok
user -a
username {user}
password {password}
gid peers
uid {user}
mt_messaging_cred quota smpps_throughput none
ok
smppccm -a
cid {out}
host 127.0.0.1
port {port}
username {system_id}
password {system_password}
bind transmitter
submit_throughput 0
ok
smppccm -a
cid {in_}
host 127.0.0.1
port {port}
username {system_id}
password {system_password}
bind receiver
ok
mtrouter -a
type defaultroute
connector smppc({out})
rate 0.0
ok
morouter -a
type defaultroute
connector smpps({user})
ok
smppccm -1 {out}
smppccm -1 {in_}
"""


class Jasmin:
    """Runs while the context lasts. `port`: where its SMPP server listens."""

    def __init__(self, programs: Path, folder: Path, infra: Infra, *, without_nagle: bool = True) -> None:
        self._programs, self._folder, self._infra = programs, folder, infra
        self._without_nagle = without_nagle
        (folder / "store").mkdir(exist_ok=True)
        self._port = dict(zip((*LISTENS, "redis"), free_ports(len(LISTENS) + 1), strict=True))
        self._running: dict[str, Process] = {}

    @property
    def port(self) -> int:
        return self._port["smpp-server"]

    @property
    def http_port(self) -> int:
        return self._port["http-api"]

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    @contextmanager
    def run(self) -> Iterator[Jasmin]:
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def start(self, *, again: bool = False) -> None:
        """`again`: with the configuration that was persisted."""
        self._make_vhost()
        redis = ("redis-server", "--port", self._port["redis"], "--bind", LOOPBACK, "--save", *REDIS_SAVES)
        self._start("redis", *redis)
        self._await("redis")
        for daemon in DAEMONS:
            program = self._programs / f"{daemon}.py"
            launcher = ["-P", WITHOUT_NAGLE] if self._without_nagle else []
            profile = ["-u", JCLI_USER.decode(), "-p", JCLI_PASSWORD.decode()] if again and daemon == "jasmind" else []
            self._start(daemon, self._programs / "python", *launcher, program, *self._named(daemon), *profile)
            if daemon == "jasmind":
                for name in LISTENS:
                    self._await(name)

    def stop(self) -> None:
        processes.stop(list(reversed(self._running.values())), STOP_LIMIT_S)
        self._running.clear()

    def kill(self) -> None:
        """What an operator has to take away before it starts again is left: see `remove_locks`."""
        processes.kill(list(self._running.values()))
        self._running.clear()

    def remove_locks(self) -> None:
        """Of daemons that were killed: with these files they say "Lock not acquired ! exiting"."""
        for daemon in DAEMONS:
            lock = LOCKS / (f"{daemon}.lock" if daemon == "jasmind" else f"{daemon}-{self._folder.name}.lock")
            if lock.exists():
                for name in LOCKS.glob(f"{socket.gethostname()}-*"):  # the lock is a link to one of these
                    if name.samefile(lock):
                        name.unlink()
                lock.unlink()

    async def configure(self, far_side_port: int, system_id: str, system_password: str) -> None:
        """By jcli, as its operator would."""
        commands = CONFIGURE.format(
            user=USER,
            password=USER_PASSWORD,
            out=TRANSMITTER,
            in_=RECEIVER,
            port=far_side_port,
            system_id=system_id,
            system_password=system_password,
        )
        await self.tell(commands)

    async def tell(self, commands: str) -> None:
        """Each line to jcli."""
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, self._port["jcli"])
            for prompt, word in ((b"Authentication required.", JCLI_USER), (b"Password:", JCLI_PASSWORD)):
                await reader.readuntil(prompt)
                writer.write(word + b"\r\n")
            await reader.readuntil(b"jcli : ")
            for line in commands.splitlines():
                writer.write(line.encode() + b"\r\n")
                said = await _answer(reader)
                assert not any(word in said for word in (b"Error", b"Unknown", b"Incorrect", b"Failed")), (line, said)
            writer.close()

    def _make_vhost(self) -> None:
        with httpx.Client(base_url=self._infra.management_url) as management:
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            management.put(f"/api/vhosts/{VHOST}").raise_for_status()
            management.put(f"/api/permissions/{VHOST}/{ADMIN}", json=everything).raise_for_status()

    def _named(self, daemon: str) -> tuple[str, ...]:
        """Its lock in /tmp has this name. jasmind's has always the same: only one runs on a machine."""
        return () if daemon == "jasmind" else ("--id", self._folder.name)

    def _start(self, name: str, *command: object) -> None:
        words = [str(word) for word in command]
        self._running[name] = processes.start(words, self._environment(), self._folder, self._log(name))

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.out"

    def _await(self, name: str) -> None:
        program = "jasmind" if name in LISTENS else name
        process = self._running[program]

        def lacks() -> str:
            with socket.socket() as probe:
                return os.strerror(failed) if (failed := probe.connect_ex((LOOPBACK, self._port[name]))) else ""

        def died() -> str | None:
            return None if process.is_alive() else f"{program} ended:\n{last_lines(self._log(program))}"

        wait_until(f"{program} ({name})", START_LIMIT_S, lacks, died)

    def _environment(self) -> dict[str, str]:
        """Every option of Jasmin's files can be told so; the files themselves come only with its sources."""
        [spec] = self._programs.parent.glob("lib/python3*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml")
        told = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "CONFIG_PATH": str(self._folder),
            "LOG_PATH": str(self._folder),
            "AMQP_BROKER_PORT": str(self._infra.amqp_port),
            "AMQP_BROKER_USERNAME": ADMIN,
            "AMQP_BROKER_PASSWORD": PASSWORD,
            "AMQP_BROKER_VHOST": VHOST,
            "AMQP_BROKER_SPEC": str(spec),
            "REDIS_CLIENT_PORT": str(self._port["redis"]),
            "REDIS_CLIENT_POOLSIZE": "50",  # for parts of long texts, which each wait for some
            "DLR_DLR_LOOKUP_MAX_RETRIES": "60",  # each after 10 s; a receipt that overtakes its text's answer is lost after two
            "SMPP_SERVER_PB_CLIENT_PORT": str(self._port["smpp-server-pb"]),
        }
        for name in LISTENS:
            option = name.upper().replace("-", "_")
            told |= {f"{option}_BIND": LOOPBACK, f"{option}_PORT": str(self._port[name])}
        return told


async def _answer(reader: asyncio.StreamReader) -> bytes:
    """Up to the next prompt: `jcli : `, or `> ` while an object is described."""
    said = b""
    while not said.endswith((b"jcli : ", b"> ")):
        some = await reader.read(65_536)
        assert some, "jcli hung up"
        said += some
    return said
