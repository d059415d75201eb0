"""`up`, `down`, `status`: the whole installation, step by step.

Owns the order of things. Every step can be repeated: `up` starts what is missing, `down` stops what is there.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.native import environment, fleet, packages
from deploy.native.environment import Ports, Secrets
from deploy.native.layout import Layout
from deploy.native.ports import LOOPBACK
from deploy.native.rabbitmq import speaks_amqp
from deploy.native.terminal import Trouble, say, step

WRAPPER = """\
#!/bin/sh
# heliograph: the operators' command line of this installation, with its settings. Written by `make up`.
set -a
. "{env}/console.env"
[ "$1" != migrate ] || . "{env}/migrate.env"
set +a
export PYTHONPATH="{tree}"
exec "{python}" -m services.console "$@"
"""


@contextmanager
def alone(layout: Layout) -> Iterator[None]:
    """One `up` or `down` at a time in this tree."""
    layout.make()
    with (layout.home / "run" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble("another make up or make down is at work in this tree") from None
        yield


SIMULATORS = ("carrier", "smpp", "message-api", "control")  # its ports


def up(layout: Layout) -> None:
    began = time.monotonic()
    mode = os.environ.get("HELIOGRAPH_MODE", "development")
    wanted = environment.instances(environment.number("HELIOGRAPH_COPIES", 1))
    packages.ensure_system()
    packages.ensure_venv(layout, development=False)
    with alone(layout):
        layout.make_data()
        secret = environment.read_secrets(layout)
        surplus = set(fleet.recorded(layout)) - {instance.name for instance in wanted}
        fleet.stop_instances(layout, sorted(surplus), "stopping what is no longer asked for")
        port = environment.choose_ports(layout, wanted, _held(layout, secret))
        _start_stores(layout, port, secret)
        console = environment.environment_of_console(port, secret, mode)
        migrate = environment.environment_of_migrate(port, secret)
        environment.write_environment(layout.env_file("console"), console)
        environment.write_environment(layout.env_file("migrate"), migrate)
        _write_wrapper(layout)
        has_console = (layout.tree / "services" / "console" / "__main__.py").exists()
        if has_console:
            fleet.run_console(layout, ["migrate"], console | migrate, "migrations")
        fleet.start_instances(layout, wanted, port, secret, mode)
        if has_console and mode == "development":
            fleet.run_console(layout, ["seed-demo"], console, "demo company")
    _tell(layout, port, mode, time.monotonic() - began)


def _held(layout: Layout, secret: Secrets) -> frozenset[str]:
    """The names of the ports that our own running processes have."""
    known = environment.read_ports(layout)
    held: set[str] = set()
    for name, process in fleet.recorded(layout).items():
        if process.is_alive():
            held |= {f"ops:{name}", f"http:{name}", *(SIMULATORS if name == "simulator" else ())}
    if "postgres" in known.by_name:
        if fleet.postgres_of(layout, known, secret).pid():
            held.add("postgres")
        if fleet.rabbitmq_of(layout, known, secret).node():
            held |= {"amqp", "management", "prometheus", "epmd", "distribution"}
    return frozenset(held)


def _start_stores(layout: Layout, port: Ports, secret: Secrets) -> None:
    postgres = fleet.postgres_of(layout, port, secret)
    with step(f"PostgreSQL on {LOOPBACK}:{port['postgres']}"):
        if postgres.pid() is None:
            postgres.start()
        postgres.make_services(secret.database)
    rabbitmq = fleet.rabbitmq_of(layout, port, secret)
    with step(f"RabbitMQ on {LOOPBACK}:{port['amqp']}"):
        if rabbitmq.node() is None:
            rabbitmq.stop()  # its epmd may have stayed
            rabbitmq.start()


def _write_wrapper(layout: Layout) -> None:
    path = layout.home / "bin" / "heliograph"
    path.write_text(WRAPPER.format(env=layout.home / "env", tree=layout.tree, python=layout.python))
    path.chmod(0o755)


def _tell(layout: Layout, port: Ports, mode: str, seconds: float) -> None:
    say("")
    say(f"Heliograph is up ({seconds:.0f} s, {mode} mode).")
    for name, number in port.by_name.items():
        if name.startswith("http:"):
            say(f"  gateway       http://{LOOPBACK}:{number}")
    if mode == "development":
        say("  demo login    demo / demo-password")
    say(f"  handsets      http://{LOOPBACK}:{port['control']}/handsets/+447700900001/messages")
    say(f"  broker        http://{LOOPBACK}:{port['management']} (user admin, password in .heliograph/secrets.json)")
    say(
        "  metrics       "
        + " ".join(f"{name[4:]}:{number}" for name, number in port.by_name.items() if name.startswith("ops:"))
    )
    say("  logs          .heliograph/logs/ (make logs)")
    say("  command line  .heliograph/bin/heliograph --help")
    say("  stop          make down")


def down(layout: Layout) -> None:
    """Services first, those that take from outside before those they ask; then the far side, the broker, the database."""
    if not layout.home.exists():
        say("nothing was started here")
        return
    with alone(layout):
        names = list(fleet.recorded(layout))
        gateways = [name for name in names if name.startswith("gateway")]
        fleet.stop_instances(layout, gateways, "stopping the gateway")
        services = [name for name in names if name not in gateways and name != "simulator"]
        fleet.stop_instances(layout, services, f"stopping {len(services)} services")
        fleet.stop_instances(layout, ["simulator"], "stopping the simulator")
        port = environment.read_ports(layout)
        if "postgres" not in port.by_name:
            return
        secret = environment.read_secrets(layout)
        rabbitmq = fleet.rabbitmq_of(layout, port, secret)
        with step("stopping RabbitMQ"):
            rabbitmq.stop()
        postgres = fleet.postgres_of(layout, port, secret)
        with step("stopping PostgreSQL"):
            postgres.stop()
    say("nothing of it runs any more; the data is kept in .heliograph (make clean removes it)")


def status(layout: Layout) -> bool:
    """A line a process. True when everything that was started runs and is ready."""
    port = environment.read_ports(layout)
    if "postgres" not in port.by_name:
        say("nothing was started here (make up)")
        return False
    secret = environment.read_secrets(layout)
    postgres = fleet.postgres_of(layout, port, secret).pid()
    node = fleet.rabbitmq_of(layout, port, secret).node()
    services = fleet.recorded(layout)
    if not services and postgres is None and node is None:
        say("nothing runs (make up)")
        return False
    rows = [
        ("postgres", postgres, port["postgres"], ""),
        ("rabbitmq", node.pid if node else None, port["amqp"], "" if speaks_amqp(port["amqp"]) else "does not answer"),
    ]
    for name, process in services.items():
        ops_port = port[f"ops:{name}"]
        rows.append((name, process.pid if process.is_alive() else None, ops_port, fleet.lacking(ops_port)))
    for name, pid, number, lacks in rows:
        state = "dead" if pid is None else lacks or "ready"
        memory = (pid and fleet.memory_mb(pid)) or 0
        say(f"{name:<14} pid {pid or '-':<8} port {number:<6} {memory:6.0f} MB  {state}")
    if any(pid is None for _, pid, _, _ in rows):
        say("make up starts what is dead; why it died: make logs")
    return all(pid and not lacks for _, pid, _, lacks in rows)


def logs(layout: Layout, names: list[str]) -> None:
    """Follows the logs until interrupted; all of them, or those named."""
    files = [layout.log(name) for name in names] or sorted((layout.home / "logs").glob("*.log"))
    missing = [path.stem for path in files if not path.exists()]
    if missing or not files:
        raise Trouble(f"there is no log of {', '.join(missing) or 'anything'} yet")
    os.execvp("tail", ["tail", "-n", "20", "-F", *map(str, files)])


def clean(layout: Layout) -> None:
    down(layout)
    with step("removing the data"):
        layout.remove()
    for cache in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"):
        shutil.rmtree(layout.tree / cache, ignore_errors=True)
