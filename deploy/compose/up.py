"""`make up` with Docker Compose: passwords and keys once, then docker-compose.yml, then where things are.

Owns the order of it, and the ports that people know by heart. What each container is, docker-compose.yml says; what each is told, settings.py.
"""

import os
import time

from deploy.compose import settings
from deploy.native import engine, environment
from deploy.native.layout import Layout
from deploy.native.ports import LOOPBACK
from deploy.native.terminal import Trouble, say
from deploy.native.up import alone

# The image has the library for the keys; the machine need not.
KEYS_BY = ("docker", "run", "--rm", "--network=none", engine.IMAGE, "python")

PORTS = {
    "HELIOGRAPH_HTTP_PORT": environment.HTTP_PORT_DEFAULT,
    "HELIOGRAPH_CONTROL_PORT": environment.CONTROL_PORT_DEFAULT,
    "HELIOGRAPH_AMQP_PORT": environment.PREFERRED["amqp"],
}

WRAPPER = """\
#!/bin/sh
# heliograph: the operators' command line, in a container of its own. Written by `make up`.
cd "{tree}"
[ -t 0 ] && [ -t 1 ] || bare=-T
exec docker compose --progress quiet --env-file "{ports}" run --rm --no-deps ${{bare:-}} console "$@"
"""


def up(layout: Layout) -> None:
    began = time.monotonic()
    mode = os.environ.get("HELIOGRAPH_MODE", "development")
    copies = environment.number("HELIOGRAPH_COPIES", 1)
    with alone(layout):
        settings.write(layout, environment.read_secrets(layout, KEYS_BY), mode)
        ports = _settle_ports(layout)
        _write_wrapper(layout)
        scale = [f"--scale={service}={copies}" for service in (*environment.WITH_DATABASE, "connector")]
        if not engine.compose(layout, "up", "--detach", "--wait", *scale, *environment.STARTED):
            raise Trouble("docker compose could not bring everything up; what is missing: make status, make logs")
        if not engine.compose(layout, "run", "--rm", "--no-deps", "-T", "seed"):
            raise Trouble("the demo company could not be made")
    _tell(ports, mode, time.monotonic() - began)


def _settle_ports(layout: Layout) -> dict[str, int]:
    """As asked for, else as the last time; a port that is taken is docker's to report."""
    path = engine.ports_file(layout)
    last = dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
    ports = {name: environment.number(name, int(last.get(name, default))) for name, default in PORTS.items()}
    environment.write_environment(path, {name: str(port) for name, port in ports.items()})
    return ports


def _write_wrapper(layout: Layout) -> None:
    path = layout.home / "bin" / "heliograph"
    path.write_text(WRAPPER.format(tree=layout.tree, ports=engine.ports_file(layout)))
    path.chmod(0o755)


def _tell(ports: dict[str, int], mode: str, seconds: float) -> None:
    say("")
    say(f"Heliograph is up in containers ({seconds:.0f} s, {mode} mode).")
    say(f"  gateway       http://{LOOPBACK}:{ports['HELIOGRAPH_HTTP_PORT']}")
    if mode == "development":
        say("  demo login    demo / demo-password")
    say(f"  handsets      http://{LOOPBACK}:{ports['HELIOGRAPH_CONTROL_PORT']}/handsets/+447700900001/messages")
    say(f"  broker        amqp://{LOOPBACK}:{ports['HELIOGRAPH_AMQP_PORT']} (for subscribers)")
    say("  logs          make logs")
    say("  command line  .heliograph/bin/heliograph --help")
    say("  stop          make down")
