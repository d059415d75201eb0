"""Which services there are and what each process is told: ports, secrets, environment files.

Owns `.heliograph/ports.json`, `secrets.json` and `env/`. Never starts anything; what is told to nobody is not here.
"""

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.native import ports
from deploy.native.layout import Layout
from deploy.native.rabbitmq import ADMIN, VHOST, BrokerPorts
from deploy.native.terminal import Trouble

WITH_DATABASE = ("auth", "messaging", "inbound", "phonelist", "campaign")
BROKER_USERS = (*WITH_DATABASE, "gateway", "console")
STARTED = ("simulator", *WITH_DATABASE, "connector", "gateway")  # in this order; stopped in the other
COPIED = (*WITH_DATABASE, "connector", "gateway")  # there is one far side
MODULES = {"connector": "services.messaging.connector"}  # messaging's other process: it has the same database and user

HTTP_PORT_DEFAULT = 8080
CONTROL_PORT_DEFAULT = 8090
PORT_MAX = 65_535
# Taken when free, else any free port; below 32768, where Linux gives out ports to clients.
PREFERRED = {
    "postgres": 18432,
    "amqp": 18672,
    "management": 18673,
    "prometheus": 18692,
    "epmd": 18369,
    "distribution": 18625,
    "carrier": 18275,
    "smpp": 18276,
    "message-api": 18277,
}
OPS_PORT_FIRST = 18100  # ten a service, for its copies

# Of the simulator's HTTP message API, one of each kind: for trying carriers out. They are no secrets, for nothing behind them is real.
SIMULATED_ACCOUNTS = [
    {"sid": "AC00000000000000000000000000000001", "token": "simulate", "api": "twilio"},
    {"sid": "simulated", "token": "simulate", "api": "json"},
]

MAKE_GRANT_KEYS = """
import base64
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
print(base64.b64encode(key.private_bytes_raw()).decode(), base64.b64encode(key.public_key().public_bytes_raw()).decode())
"""


@dataclass(frozen=True, slots=True)
class Instance:
    service: str
    copy: int  # from 1

    @property
    def name(self) -> str:
        return self.service if self.copy == 1 else f"{self.service}-{self.copy}"

    @property
    def module(self) -> str:
        return MODULES.get(self.service, f"services.{self.service}")


def instances(copies: int) -> list[Instance]:
    """What is to run, in the order of starting."""
    return [
        Instance(service, copy) for service in STARTED for copy in range(1, (copies if service in COPIED else 1) + 1)
    ]


@dataclass(frozen=True, slots=True)
class Secrets:
    superuser: str
    database: Mapping[str, str]
    broker: Mapping[str, str]
    grant_private_key: str
    grant_public_key: str
    verification_key: str


def read_secrets(layout: Layout, python: Sequence[str | Path] = ()) -> Secrets:
    """Those of the last time, and new ones for what has come since. `python` makes the Ed25519 keys; if not given, that of .venv."""
    path = layout.home / "secrets.json"
    known = _read_json(path)
    if "grant_private_key" not in known:
        command = [*(python or [layout.python]), "-c", MAKE_GRANT_KEYS]
        keys = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        known["grant_private_key"], known["grant_public_key"] = keys.split()
    known.setdefault("verification_key", base64.b64encode(secrets.token_bytes(32)).decode())
    known.setdefault("superuser", secrets.token_urlsafe(24))
    for kind, names in (("database", WITH_DATABASE), ("broker", (ADMIN, *BROKER_USERS))):
        known[kind] = {name: secrets.token_urlsafe(24) for name in names} | known.get(kind, {})
    _write(path, json.dumps(known, indent=1))
    return Secrets(**known)


@dataclass(frozen=True, slots=True)
class Ports:
    by_name: Mapping[str, int]

    def __getitem__(self, name: str) -> int:
        return self.by_name[name]

    def broker(self) -> BrokerPorts:
        return BrokerPorts(*(self[name] for name in ("amqp", "management", "prometheus", "epmd", "distribution")))


def read_ports(layout: Layout) -> Ports:
    return Ports(_read_json(layout.home / "ports.json"))


def choose_ports(layout: Layout, wanted: Sequence[Instance], held: frozenset[str]) -> Ports:
    """Settles every port and writes them down. `held` are those that our own running processes have: they stay.

    The ports that people know by heart (gateway, control) are as asked for or an error; each other one moves when it is taken.
    """
    recorded = _read_json(layout.home / "ports.json")
    chosen: dict[str, int] = {}
    for name, port in _asked_for(wanted, recorded).items():
        if not (name in held and recorded.get(name) == port) and not ports.is_free(port):
            raise Trouble(
                f"port {port} ({name}) is taken by {ports.holder(port)}; free it, or choose another: "
                f"make up {'HELIOGRAPH_CONTROL_PORT' if name == 'control' else 'HELIOGRAPH_HTTP_PORT'}=<port>"
            )
        chosen[name] = port
    preferred = PREFERRED | {
        f"ops:{instance.name}": OPS_PORT_FIRST + 10 * STARTED.index(instance.service) + instance.copy - 1
        for instance in wanted
    }
    for name, port in preferred.items():
        candidates = [recorded[name]] if name in recorded else []
        candidates += [port, *ports.free_ports(3)]
        chosen[name] = next(
            candidate
            for candidate in candidates
            if candidate not in chosen.values() and (name in held or ports.is_free(candidate))
        )
    _write(layout.home / "ports.json", json.dumps(chosen, indent=1))
    return Ports(chosen)


def _asked_for(wanted: Sequence[Instance], recorded: Mapping[str, int]) -> dict[str, int]:
    first = number("HELIOGRAPH_HTTP_PORT", recorded.get("http:gateway", HTTP_PORT_DEFAULT))
    control = number("HELIOGRAPH_CONTROL_PORT", recorded.get("control", CONTROL_PORT_DEFAULT))
    gateways = [instance for instance in wanted if instance.service == "gateway"]
    return {f"http:{instance.name}": first + instance.copy - 1 for instance in gateways} | {"control": control}


def number(name: str, default: int) -> int:
    """A positive number out of the caller's environment."""
    given = os.environ.get(name) or str(default)
    if not given.isdigit() or not 1 <= int(given) <= PORT_MAX:
        raise Trouble(f"{name}={given}: a number from 1 to {PORT_MAX} is needed")
    return int(given)


def environment_of(layout: Layout, instance: Instance, port: Ports, secret: Secrets, mode: str) -> dict[str, str]:
    """Everything a process is told about Heliograph."""
    service = "messaging" if instance.service == "connector" else instance.service
    told = {"HELIOGRAPH_MODE": mode, "HELIOGRAPH_OPS_PORT": str(port[f"ops:{instance.name}"])}
    if service == "simulator":
        return told | {
            "HELIOGRAPH_CARRIER_PORT": str(port["carrier"]),
            "HELIOGRAPH_CONTROL_PORT": str(port["control"]),
            "HELIOGRAPH_SMPP_PORT": str(port["smpp"]),
            "HELIOGRAPH_MESSAGE_API_PORT": str(port["message-api"]),
            "HELIOGRAPH_MESSAGE_API_ACCOUNTS": json.dumps(SIMULATED_ACCOUNTS),
            "HELIOGRAPH_LOG_PATH": str(layout.home / "simulator" / "log.jsonl"),
        }
    told |= _broker(service, port, secret)
    if service in WITH_DATABASE:
        told["HELIOGRAPH_DATABASE_URL"] = _database_url(service, port, secret)
    match service:
        case "auth":
            told["HELIOGRAPH_GRANT_PRIVATE_KEY"] = secret.grant_private_key
        case "messaging":
            told["HELIOGRAPH_VERIFICATION_KEY"] = secret.verification_key
            told["HELIOGRAPH_SIMULATOR_URL"] = f"tcp://{ports.LOOPBACK}:{port['carrier']}"
            told["HELIOGRAPH_PUBLIC_URL"] = (
                os.environ.get("HELIOGRAPH_PUBLIC_URL") or f"http://{ports.LOOPBACK}:{port['http:gateway']}"
            )
        case "gateway":
            told["HELIOGRAPH_HTTP_HOST"] = ports.LOOPBACK
            told["HELIOGRAPH_HTTP_PORT"] = str(port[f"http:{instance.name}"])
    return told


def environment_of_console(port: Ports, secret: Secrets, mode: str) -> dict[str, str]:
    """The operators' command line: asks like the gateway, and administers the broker (subscribers, dead letters)."""
    return {
        "HELIOGRAPH_MODE": mode,
        "HELIOGRAPH_MANAGEMENT_URL": f"http://{ADMIN}:{secret.broker[ADMIN]}@{ports.LOOPBACK}:{port['management']}",
        "HELIOGRAPH_GATEWAY_URL": f"http://{ports.LOOPBACK}:{port['http:gateway']}"
        if "http:gateway" in port.by_name
        else "",
        "HELIOGRAPH_CONTROL_URL": f"http://{ports.LOOPBACK}:{port['control']}",
        **_broker("console", port, secret),
    }


def environment_of_migrate(port: Ports, secret: Secrets) -> dict[str, str]:
    """Only for `heliograph migrate`, which changes each database as its owner."""
    return {f"HELIOGRAPH_DATABASE_URL_{name.upper()}": _database_url(name, port, secret) for name in WITH_DATABASE}


def write_environment(path: Path, told: Mapping[str, str]) -> None:
    _write(path, "".join(f"{name}={value}\n" for name, value in told.items()))


def _broker(service: str, port: Ports, secret: Secrets) -> dict[str, str]:
    return {
        "HELIOGRAPH_BROKER_URL": f"amqp://{service}:{secret.broker[service]}@{ports.LOOPBACK}:{port['amqp']}/{VHOST}",
        "HELIOGRAPH_GRANT_PUBLIC_KEY": secret.grant_public_key,
    }


def _database_url(service: str, port: Ports, secret: Secrets) -> str:
    return f"postgresql://{service}:{secret.database[service]}@{ports.LOOPBACK}:{port['postgres']}/{service}"


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _write(path: Path, content: str) -> None:
    """For the owner's eyes; whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.touch(mode=0o600)
    fresh.write_text(content)
    fresh.rename(path)
