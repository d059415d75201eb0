"""What each container is told: an env file a service, the databases' roles, the broker's users; passwords and keys in all of them.

Owns `.heliograph/compose/`, a closed folder. Hosts and ports are those of docker-compose.yml's networks, the same on every machine.
"""

import json
import os
from pathlib import Path

from deploy.native.environment import WITH_DATABASE, Secrets, write_environment
from deploy.native.layout import Layout
from deploy.native.postgres import services_script
from deploy.native.rabbitmq import ADMIN, VHOST, definitions

SIMULATOR_URL = "tcp://simulator:8091"
GATEWAY_URL = "http://gateway:8080"
MANAGEMENT = "rabbitmq:15672"


def folder(layout: Layout) -> Path:
    return layout.home / "compose"


def write(layout: Layout, secret: Secrets, mode: str) -> None:
    """Repeatable. An env file is read by `docker compose`, the other two by a container's own user through its mount."""
    at = folder(layout)
    at.mkdir(mode=0o700, exist_ok=True)
    for name, told in _environments(secret, mode).items():
        write_environment(at / f"{name}.env", told)
    for name, content in {
        "services.sql": services_script(secret.database),
        "definitions.json": json.dumps(definitions(secret.broker), indent=1),
    }.items():
        (at / name).write_text(content)  # in place: a mount holds the file, not its name
        (at / name).chmod(0o644)


def _environments(secret: Secrets, mode: str) -> dict[str, dict[str, str]]:
    files = {
        "common": {"HELIOGRAPH_MODE": mode, "HELIOGRAPH_GRANT_PUBLIC_KEY": secret.grant_public_key},
        "postgres": {"POSTGRES_PASSWORD": secret.superuser, "PGPASSWORD": secret.superuser},
        "migrate": {
            f"HELIOGRAPH_DATABASE_URL_{service.upper()}": _database_url(service, secret) for service in WITH_DATABASE
        },
        "gateway": _broker(secret, "gateway"),
        "console": _broker(secret, "console")
        | {
            "HELIOGRAPH_MANAGEMENT_URL": f"http://{ADMIN}:{secret.broker[ADMIN]}@{MANAGEMENT}",
            "HELIOGRAPH_GATEWAY_URL": GATEWAY_URL,
            "HELIOGRAPH_CONTROL_URL": "http://simulator:8090",
        },
    }
    for service in WITH_DATABASE:
        files[service] = _broker(secret, service) | {"HELIOGRAPH_DATABASE_URL": _database_url(service, secret)}
    files["auth"]["HELIOGRAPH_GRANT_PRIVATE_KEY"] = secret.grant_private_key
    files["messaging"] |= {
        "HELIOGRAPH_VERIFICATION_KEY": secret.verification_key,
        "HELIOGRAPH_SIMULATOR_URL": SIMULATOR_URL,
        "HELIOGRAPH_PUBLIC_URL": os.environ.get("HELIOGRAPH_PUBLIC_URL") or GATEWAY_URL,
    }
    return files


def _broker(secret: Secrets, user: str) -> dict[str, str]:
    return {"HELIOGRAPH_BROKER_URL": f"amqp://{user}:{secret.broker[user]}@rabbitmq:5672/{VHOST}"}


def _database_url(service: str, secret: Secrets) -> str:
    return f"postgresql://{service}:{secret.database[service]}@postgres:5432/{service}"
