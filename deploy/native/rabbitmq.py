"""One private RabbitMQ with its own epmd: configured, started, waited for, stopped.

Owns its folder. All of its ports are on the loopback. Never touches the system's broker, its epmd or /etc/rabbitmq.
"""

import base64
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.native import processes
from deploy.native.ports import LOOPBACK
from deploy.native.processes import Process, last_lines, living, run_as
from deploy.native.terminal import wait_until

OS_USER = "rabbitmq"
PROGRAM = Path(
    "/usr/lib/rabbitmq/bin/rabbitmq-server"
)  # not /usr/sbin/rabbitmq-server, which insists on the system's folders
CONTROL = PROGRAM.with_name("rabbitmqctl")
NODE = "heliograph@localhost"
ADMIN = "admin"
VHOST = "heliograph"
DEFINITIONS = Path(__file__).parents[1] / "rabbitmq" / "definitions.json"
START_LIMIT_S = 90
STOP_LIMIT_S = 60

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus}
load_definitions = {definitions}
log.file = false
log.console = true
log.console.level = warning
heartbeat = 10
disk_free_limit.absolute = 512MB
raft.wal_max_size_bytes = 67108864
collect_statistics_interval = 2000
"""

# Erlang must neither spin while it waits (2 cores) nor open its distribution port to the network.
ERLANG = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"


@dataclass(frozen=True, slots=True)
class BrokerPorts:
    amqp: int
    management: int
    prometheus: int
    epmd: int
    distribution: int


@dataclass(frozen=True, slots=True)
class RabbitMQ:
    home: Path
    ports: BrokerPorts
    passwords: Mapping[str, str]  # of every broker user, `admin` among them
    log: Path

    def url(self, user: str) -> str:
        return f"amqp://{user}:{self.passwords[user]}@127.0.0.1:{self.ports.amqp}/{VHOST}"

    def management_url(self, user: str = ADMIN) -> str:
        return f"http://{user}:{self.passwords[user]}@127.0.0.1:{self.ports.management}"

    def start(self) -> None:
        """Answers when clients are accepted and the definitions are in."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._configure()
        epmd = processes.start(
            ["epmd", "-address", "127.0.0.1", "-port", str(self.ports.epmd)],
            self._environment(),
            self.home,
            self.log,
            user=OS_USER,
        )
        processes.remember(self.home / "epmd.json", epmd)
        node = processes.start([PROGRAM], self._environment(), self.home, self.log, user=OS_USER)
        processes.remember(self.home / "node.json", node)
        wait_until(
            "RabbitMQ",
            START_LIMIT_S,
            lacks=self._lacks,
            died=lambda: None if node.is_alive() else f"RabbitMQ died; its log ends so:\n{last_lines(self.log)}",
        )

    def node(self) -> Process | None:
        """The Erlang machine, if it runs."""
        return living(self.home / "node.json")

    def stop(self) -> None:
        for name in ("node.json", "epmd.json"):
            if process := living(self.home / name):
                processes.stop([process], STOP_LIMIT_S)
            (self.home / name).unlink(missing_ok=True)

    def kill(self) -> None:
        """A crash of the node, for tests; its epmd ends too."""
        for name in ("node.json", "epmd.json"):
            if process := living(self.home / name):
                processes.kill([process])
            (self.home / name).unlink(missing_ok=True)

    def control(self, *arguments: str) -> str:
        """rabbitmqctl on this node; about a second of Erlang start each."""
        done = subprocess.run(
            [str(CONTROL), "--quiet", *arguments],
            env=self._environment(),
            cwd=self.home,
            capture_output=True,
            text=True,
            check=True,
            **run_as(OS_USER),
        )
        return str(done.stdout)

    def api(self, path: str) -> Any:
        """GET of the management interface, parsed; raises OSError while there is none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports.management}/api/{path}")
        credentials = base64.b64encode(f"{ADMIN}:{self.passwords[ADMIN]}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def _configure(self) -> None:
        files = {
            "rabbitmq.conf": CONFIGURATION.format(
                amqp=self.ports.amqp,
                management=self.ports.management,
                prometheus=self.ports.prometheus,
                definitions=self.home / "definitions.json",
            ),
            "definitions.json": json.dumps(definitions(self.passwords), indent=1),
            "enabled_plugins": "[rabbitmq_management, rabbitmq_prometheus].\n",
            "env.conf": "",
        }
        for name, content in files.items():
            (self.home / name).touch(mode=0o600)
            (self.home / name).write_text(content)
        for name in ("mnesia", "none"):
            (self.home / name).mkdir(exist_ok=True)
        if run_as(OS_USER):
            for path in (self.home, *(self.home / name for name in (*files, "mnesia", "none"))):
                shutil.chown(path, OS_USER, OS_USER)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8",
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_BYTES": "0",
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(self.home / "none"),  # else /etc/rabbitmq/conf.d
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.home / "none" / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.home / "env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home),
            "RABBITMQ_LOGS": "-",
            "RUNNING_UNDER_SYSTEMD": "true",  # makes the start script become the Erlang machine instead of its parent
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
        }

    def _lacks(self) -> str:
        try:
            self.api(f"queues/{VHOST}/dead")  # the definitions are in
        except OSError as error:
            return f"its management interface says {error}"
        return "" if speaks_amqp(self.ports.amqp) else "it does not speak AMQP yet"


def speaks_amqp(port: int) -> bool:
    """Whether a broker answers the protocol header there; an open port alone may be a container's proxy."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            return connection.recv(1) == b"\x01"  # a method frame: connection.start
    except OSError:
        return False


def definitions(passwords: Mapping[str, str]) -> dict[str, Any]:
    """deploy/rabbitmq/definitions.json with the users, which hold secrets and so are in no file of the tree."""
    users = [
        {
            "name": user,
            "password_hash": _hash(password),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": "administrator" if user == ADMIN else "",
        }
        for user, password in passwords.items()
    ]
    return {"users": users, **json.loads(DEFINITIONS.read_text())}


def _hash(password: str) -> str:
    """RabbitMQ's own form: base64 of a four-byte salt and SHA-256 of salt and password."""
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
