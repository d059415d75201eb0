"""The processes of an installation: PostgreSQL, RabbitMQ, the simulator, the services. Started, watched until ready, stopped.

Owns their order. A process that runs with other settings than now wanted is started anew; one that died is started again by `make up`.
"""

import hashlib
import json
import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.native import environment, ports, processes
from deploy.native.environment import STARTED, Instance, Ports, Secrets
from deploy.native.layout import Layout
from deploy.native.postgres import Postgres
from deploy.native.processes import Process, last_lines
from deploy.native.rabbitmq import RabbitMQ
from deploy.native.terminal import Trouble, say, step, wait_until

READY_LIMIT_S = 60
DRAIN_LIMIT_S = 40  # more than a service's own limit, HELIOGRAPH_DRAIN_S
PROBE_S = 2


def postgres_of(layout: Layout, port: Ports, secret: Secrets) -> Postgres:
    return Postgres(layout.data("postgres"), port["postgres"], secret.superuser, layout.log("postgres"))


def rabbitmq_of(layout: Layout, port: Ports, secret: Secrets) -> RabbitMQ:
    return RabbitMQ(layout.data("rabbitmq"), port.broker(), secret.broker, layout.log("rabbitmq"))


def inherited(layout: Layout) -> dict[str, str]:
    """What a process of ours gets besides the settings; nothing else of the caller's environment leaks in."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(layout.tree),
        "PYTHONUNBUFFERED": "1",
    }


def run_console(layout: Layout, arguments: Sequence[str], told: Mapping[str, str], label: str) -> None:
    """One command of the command line, as a step of `up`. What it printed is in logs/console.log."""
    with step(label), layout.log("console").open("ab") as log:
        command = [str(layout.python), "-m", "services.console", *arguments]
        done = subprocess.run(
            command,
            env=inherited(layout) | dict(told),
            cwd=layout.tree,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        raise Trouble(f"heliograph {' '.join(arguments)} failed:\n{last_lines(layout.log('console'))}")


def start_instances(layout: Layout, wanted: Sequence[Instance], port: Ports, secret: Secrets, mode: str) -> None:
    """Starts those that do not run, all at once, and waits for each to say that it is ready."""
    for instance in wanted:
        told = environment.environment_of(layout, instance, port, secret, mode)
        environment.write_environment(layout.env_file(instance.name), told)
        fingerprint = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
        running = processes.living(layout.pid_file(instance.name))
        if running and running.fingerprint == fingerprint:
            continue
        if running:
            with step(f"stopping {instance.name}, whose settings have changed"):
                processes.stop([running], DRAIN_LIMIT_S)
        process = processes.start(
            [layout.python, "-m", instance.module],
            inherited(layout) | told,
            layout.tree,
            layout.log(instance.name),
            fingerprint=fingerprint,
        )
        processes.remember(layout.pid_file(instance.name), process)
    for instance in wanted:
        _await_ready(layout, instance.name, port[f"ops:{instance.name}"])


def _await_ready(layout: Layout, name: str, ops_port: int) -> None:
    with step(f"{name} ready"):
        wait_until(name, READY_LIMIT_S, lacks=lambda: lacking(ops_port), died=lambda: _why_dead(layout, name))


def lacking(ops_port: int) -> str:
    """What a process says it lacks to be ready; empty when it is."""
    try:
        with urllib.request.urlopen(f"http://{ports.LOOPBACK}:{ops_port}/health/ready", timeout=PROBE_S):
            return ""
    except urllib.error.HTTPError as error:
        return error.read(500).decode(errors="replace").strip() or f"answers {error.code}"
    except OSError as error:
        return f"no answer on port {ops_port} ({error})"


def _why_dead(layout: Layout, name: str) -> str | None:
    if processes.living(layout.pid_file(name)):
        return None
    return f"{name} died; {layout.log(name)} ends so:\n{last_lines(layout.log(name))}"


def recorded(layout: Layout) -> dict[str, Process]:
    """Every service process that was started and not stopped by us, in the order of starting; some may be dead."""
    paths = sorted(
        (layout.home / "run").glob("*.json"), key=lambda path: (STARTED.index(path.stem.split("-")[0]), path.stem)
    )
    found = {path.stem: processes.recall(path) for path in paths}
    return {name: process for name, process in found.items() if process}


def stop_instances(layout: Layout, names: Sequence[str], label: str) -> None:
    """Asks all of them at once to drain and end."""
    running = {name: process for name in names if (process := processes.living(layout.pid_file(name)))}
    if running:
        with step(label):
            killed = processes.stop(list(running.values()), DRAIN_LIMIT_S)
        for name, process in running.items():
            if process in killed:
                say(f"! {name} did not end within {DRAIN_LIMIT_S} s and was killed")
    for name in names:
        layout.pid_file(name).unlink(missing_ok=True)


def memory_mb(pid: int) -> float | None:
    """Proportional share, so that the sum over processes is what the machine gives."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
