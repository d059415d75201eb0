"""PostgreSQL and RabbitMQ for a test run: containers where a Docker engine answers, else private native instances.

Owns what it starts, in a temporary folder, on free ports of the loopback; nothing stays behind, even of a run that is
killed. Shares the code of `make up` (deploy/native) and the same broker definitions, so a permission that is missing there is missing here.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.native.environment import BROKER_USERS, WITH_DATABASE
from deploy.native.ports import free_ports
from deploy.native.postgres import Postgres, services_script
from deploy.native.rabbitmq import ADMIN, START_LIMIT_S, VHOST, BrokerPorts, RabbitMQ, definitions, speaks_amqp
from deploy.native.terminal import wait_until

PASSWORD = "not-a-secret"  # of every role and user: these servers live for one run, on the loopback
DOCKER_PROBE_S = 10
POSTGRES_IMAGE = "postgres:15-bookworm"
RABBITMQ_IMAGE = "rabbitmq:3.13-management"

Backend = Literal["native", "docker"]


@dataclass(frozen=True, slots=True)
class Infra:
    """`postgres` and `rabbitmq` are for fault tests of the native back end: kill, stop, start; None in containers."""

    backend: Backend
    postgres_port: int
    amqp_port: int
    management_url: str  # http://admin:...@127.0.0.1:port, the management interface
    sql: Callable[[str], str]  # runs a psql script as the superuser in database postgres
    stop: Callable[[], None]
    postgres: Postgres | None = None
    rabbitmq: RabbitMQ | None = None

    @property
    def admin_dsn(self) -> str:
        return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.postgres_port}/postgres"

    def dsn(self, service: str) -> str:
        """The service's own database, as its own role. Empty until somebody migrates it."""
        return f"postgresql://{service}:{PASSWORD}@127.0.0.1:{self.postgres_port}/{service}"

    def create_database(self, owner: str, template: str = "template0") -> str:
        """A new database of the role `owner`; answers its DSN. A copy of `template`, which nobody may be connected to."""
        name = f"{owner}_{secrets.token_hex(4)}"
        self.sql(
            f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template};\nREVOKE ALL ON DATABASE {name} FROM PUBLIC;"
        )
        return f"postgresql://{owner}:{PASSWORD}@127.0.0.1:{self.postgres_port}/{name}"

    def drop_database(self, dsn: str) -> None:
        """Ends the sessions that are still open there."""
        self.sql(f"DROP DATABASE IF EXISTS {dsn.rpartition('/')[2]} WITH (FORCE);")

    def broker_url(self, user: str) -> str:
        """Of one of the services, `gateway`, `console` or `admin`."""
        return f"amqp://{user}:{PASSWORD}@127.0.0.1:{self.amqp_port}/{VHOST}"


def start_infra(*, durable: bool = False) -> Infra:
    """Starts both, with a role and a database a service and the broker's definitions.

    INFRA=auto|docker|native chooses. `durable` keeps fsync on, for tests that pull the plug and for figures.
    """
    wanted = os.environ.get("INFRA", "auto")
    if wanted == "docker" or (wanted == "auto" and _docker_answers()):
        return _start_containers()
    if wanted not in ("auto", "native"):
        raise ValueError(f"INFRA={wanted}: auto, docker or native")
    return _start_native(durable=durable)


def _docker_answers() -> bool:
    """The daemon, not the client: the client is often there alone."""
    if shutil.which("docker") is None:
        return False
    try:
        return (
            subprocess.run(["docker", "info"], capture_output=True, timeout=DOCKER_PROBE_S, check=False).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def _start_containers() -> Infra:
    from testcontainers.core.container import DockerContainer  # slow to import, and of no use without an engine

    folder = Path(tempfile.mkdtemp(prefix="heliograph-infra-"))
    folder.chmod(0o755)
    (folder / "definitions.json").write_text(json.dumps(definitions(dict.fromkeys((ADMIN, *BROKER_USERS), PASSWORD))))
    (folder / "heliograph.conf").write_text("load_definitions = /etc/rabbitmq/definitions.json\n")
    postgres = DockerContainer(POSTGRES_IMAGE).with_env("POSTGRES_PASSWORD", PASSWORD).with_exposed_ports(5432)
    rabbitmq = (
        DockerContainer(RABBITMQ_IMAGE)
        .with_volume_mapping(str(folder / "definitions.json"), "/etc/rabbitmq/definitions.json", "ro")
        .with_volume_mapping(str(folder / "heliograph.conf"), "/etc/rabbitmq/conf.d/90-heliograph.conf", "ro")
        .with_exposed_ports(5672, 15672)
    )

    def sql(script: str) -> str:
        command = [
            "docker",
            "exec",
            "-i",
            postgres.get_wrapped_container().id,
            "psql",
            "-U",
            "postgres",
            "-h",
            "127.0.0.1",
        ]
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(
            [*command, *options], input=script, capture_output=True, text=True, check=True
        ).stdout.strip()

    def lacks_sql() -> str:
        try:
            return "" if sql("SELECT 1") == "1" else "a strange answer"
        except subprocess.CalledProcessError as error:
            return str(error.stderr)

    def lacks_amqp() -> str:
        return "" if speaks_amqp(int(rabbitmq.get_exposed_port(5672))) else "it does not speak AMQP yet"

    def stop() -> None:
        rabbitmq.stop()
        postgres.stop()
        shutil.rmtree(folder)

    try:
        postgres.start()
        rabbitmq.start()
        wait_until("PostgreSQL", START_LIMIT_S, lacks_sql, died=lambda: None)
        sql(services_script(dict.fromkeys(WITH_DATABASE, PASSWORD)))
        wait_until("RabbitMQ", START_LIMIT_S, lacks_amqp, died=lambda: None)
    except BaseException:
        stop()
        raise
    return Infra(
        backend="docker",
        postgres_port=int(postgres.get_exposed_port(5432)),
        amqp_port=int(rabbitmq.get_exposed_port(5672)),
        management_url=f"http://{ADMIN}:{PASSWORD}@127.0.0.1:{rabbitmq.get_exposed_port(15672)}",
        sql=sql,
        stop=stop,
    )


def _servers(home: Path, ports: list[int], *, durable: bool) -> tuple[Postgres, RabbitMQ]:
    passwords = dict.fromkeys((ADMIN, *BROKER_USERS), PASSWORD)
    postgres = Postgres(home / "postgres", ports[0], PASSWORD, home / "postgres.log", durable=durable)
    return postgres, RabbitMQ(home / "rabbitmq", BrokerPorts(*ports[1:]), passwords, home / "rabbitmq.log")


def _start_native(*, durable: bool) -> Infra:
    home = Path(tempfile.mkdtemp(prefix="heliograph-infra-"))
    home.chmod(0o711)  # users postgres and rabbitmq pass through, when we are root
    ports = free_ports(6)
    postgres, rabbitmq = _servers(home, ports, durable=durable)
    # A run that is killed cannot stop anything: this process sees its end of the pipe close, and stops both for it.
    guard = subprocess.Popen(
        [sys.executable, "-m", "tests.infra", str(home), *map(str, ports)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )

    def start_postgres() -> None:
        postgres.start()
        postgres.make_services(dict.fromkeys(WITH_DATABASE, PASSWORD))

    def stop() -> None:
        guard.communicate()

    try:
        with ThreadPoolExecutor() as pool:
            for started in [pool.submit(start_postgres), pool.submit(rabbitmq.start)]:
                started.result()
    except BaseException:
        stop()
        raise
    return Infra(
        backend="native",
        postgres_port=postgres.port,
        amqp_port=rabbitmq.ports.amqp,
        management_url=rabbitmq.management_url(),
        sql=postgres.sql,
        stop=stop,
        postgres=postgres,
        rabbitmq=rabbitmq,
    )


def _stop_when_the_run_ends(home: Path, ports: list[int]) -> None:
    sys.stdin.read()
    postgres, rabbitmq = _servers(home, ports, durable=False)
    rabbitmq.kill()
    postgres.stop(mode="immediate")
    shutil.rmtree(home)


if __name__ == "__main__":
    _stop_when_the_run_ends(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]])
