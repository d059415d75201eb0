"""gateway: wiring, nothing else. HTTP in, commands and queries out; nothing durable."""

from __future__ import annotations

from libs.common.service import Service, run
from services.gateway.app import broadcasts, compose
from services.gateway.settings import GatewaySettings

SERVICE = Service(name="gateway", settings=GatewaySettings, compose=compose, broadcasts=broadcasts)

if __name__ == "__main__":
    run(SERVICE)
