"""A durable PostgreSQL and a RabbitMQ of an experiment's own, each in its own folder and on free ports, gone at the end.

Own their processes; know how much CPU they used. Never touch the system's servers. Used by the experiments beside this file.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
TICK = os.sysconf("SC_CLK_TCK")
ERLANG = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "maintenance_work_mem": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "autovacuum_naptime": "10s",
    "random_page_cost": "1.1",
    "default_toast_compression": "lz4",
}


@dataclass
class Server:
    """PostgreSQL."""

    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def run(self, *command: str) -> None:
        # PostgreSQL refuses root, so a root caller hands over to the account the package made
        drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        subprocess.run([*drop, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self, wal_level: str) -> None:
        settings = {
            **SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "wal_level": wal_level,
        }
        if wal_level == "minimal":
            settings["max_wal_senders"] = "0"
        options = " ".join(f"-c {key}={value}" for key, value in settings.items())
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self.run(str(BIN / "pg_ctl"), "-D", data, "-l", log, "-w", "-t", "60", "-o", options, "start")

    def stop(self) -> None:
        self.run(str(BIN / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop")

    def cpu_s(self) -> float:
        """User and system time of the postmaster, of what it reaped, and of its living children."""
        postmaster = (self.folder / "data" / "postmaster.pid").read_text().split()[0]
        total = 0
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended between the listing and the reading; the postmaster has its time
            if entry.name == postmaster:
                total += sum(int(value) for value in fields[11:15])
            elif fields[1] == postmaster:
                total += int(fields[11]) + int(fields[12])
        return total / TICK


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def private_postgres(keep: Path | None) -> Iterator[Server]:
    folder = keep or Path(tempfile.mkdtemp(prefix="heliograph-exp2-"))
    fresh = not (folder / "data").exists()
    if fresh:
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
    server = Server(folder, free_port())
    if fresh:
        server.run(
            str(BIN / "initdb"),
            "-D",
            str(folder / "data"),
            "-A",
            "trust",
            "-U",
            "postgres",
            "--locale=C.UTF-8",
            "-E",
            "UTF8",
        )
    server.start("minimal")
    try:
        yield server
    finally:
        server.stop()
        if keep is None:
            shutil.rmtree(folder)


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def private_broker() -> Iterator[tuple[str, int]]:
    """A RabbitMQ with its own epmd; gives its address and the id of its Erlang machine."""
    folder, amqp, epmd_port = Path(tempfile.mkdtemp(prefix="heliograph-exp1-")), free_port(), free_port()
    (folder / "none").mkdir()
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{amqp}\nraft.wal_max_size_bytes = 67108864\n")
    (folder / "plugins").write_text("[].\n")
    (folder / "env.conf").write_text("")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "RABBITMQ_NODENAME": f"exp{amqp}@localhost",
        "RABBITMQ_DIST_PORT": str(free_port()), "ERL_EPMD_PORT": str(epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"), "RABBITMQ_CONFIG_FILES": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"), "RABBITMQ_LOG_BASE": str(folder), "RUNNING_UNDER_SYSTEMD": "true",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
    }  # fmt: skip
    epmd = subprocess.Popen(["epmd", "-address", "127.0.0.1", "-port", str(epmd_port)], env=environment)
    with (folder / "out").open("wb") as out:
        node = subprocess.Popen(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=environment, stdout=out, stderr=out)
    try:
        wait_for_port(amqp, 60)
        yield f"amqp://guest:guest@127.0.0.1:{amqp}/?heartbeat=10", node.pid
    finally:
        for process in (node, epmd):
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        shutil.rmtree(folder)


def wait_for_port(port: int, limit_s: float) -> None:
    until = time.monotonic() + limit_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
