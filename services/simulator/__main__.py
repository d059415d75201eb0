"""`python -m services.simulator`: a mobile network with handsets, for development, tests and demos.

Owns the wiring of one process: settings, five ports, a clean end. Needs neither database nor broker.
See protocol.md for the carriers' ports and control.py for the control port.
"""

import asyncio
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvloop
from prometheus_client.core import REGISTRY, GaugeMetricFamily
from prometheus_client.registry import Collector
from pydantic import Field

from libs.common import logging, ops
from libs.common.settings import Settings
from services.simulator.accounts import Accounts
from services.simulator.control import Control
from services.simulator.http_api import MessageApi
from services.simulator.http_lines import Account as ApiAccount
from services.simulator.network import Network
from services.simulator.session import Binds, Session
from services.simulator.smpp_session import SmppSession

log = structlog.get_logger()


class SimulatorSettings(Settings):
    carrier_host: str = Field("127.0.0.1", description="Where clients of the carrier connect.")
    carrier_port: int = Field(8091, description="0 takes any free port; the log says which.")
    smpp_host: str = Field("127.0.0.1", description="Where clients that speak SMPP 3.4 connect.")
    smpp_port: int = Field(2775, description="0 takes any free port.")
    smpp_password: str = Field("simulate", max_length=8, description="Of every system_id that has no other.")
    message_api_host: str = Field("127.0.0.1", description="Where the HTTP message API is served.")
    message_api_port: int = Field(8092, description="0 takes any free port.")
    message_api_accounts: list[ApiAccount] = Field(
        [], description='JSON: [{"sid": ..., "token": ..., "api": "twilio" or "json", "inbound_url": ...}].'
    )
    control_host: str = Field("127.0.0.1", description="Whoever reaches it can read every text.")
    control_port: int = Field(8090, description="0 takes any free port.")
    log_path: Path = Field(description="The log of every submit; its journal is kept beside it.")
    silence_limit_s: float = Field(15.0, gt=0, description="A session that says nothing for this long is closed.")


class Counts(Collector):
    """The counts of /stats, as metrics."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, value in self._network.stats().items():
            yield GaugeMetricFamily(f"heliograph_simulator_{name}", "See /stats of the control.", value=value)


async def ready() -> list[str]:
    """Nothing is served before the log is read, so it lacks nothing."""
    return []


async def serve(settings: SimulatorSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)

    carrier = socket.create_server((settings.carrier_host, settings.carrier_port), backlog=512)
    smpp = socket.create_server((settings.smpp_host, settings.smpp_port), backlog=512)
    network, binds = Network(settings.log_path), Binds()  # after the ports, which no second process can have
    accounts = Accounts(settings.smpp_password)
    callbacks_path = settings.log_path.with_name(settings.log_path.name + ".callbacks")
    message_api = MessageApi(network, settings.message_api_accounts, callbacks_path)
    REGISTRY.register(Counts(network))
    health = ops.Health()
    health.lacks = ready
    control = Control(network, binds, accounts).app()
    async with (
        ops.serve_http(control, settings.control_host, settings.control_port) as control_port,
        ops.serve_http(ops.app(health), settings.ops_host, settings.ops_port) as ops_port,
        message_api.serve(settings.message_api_host, settings.message_api_port) as message_api_port,
    ):
        limit_s = settings.silence_limit_s
        servers = (
            await loop.create_server(lambda: Session(network, binds, limit_s), sock=carrier),
            await loop.create_server(lambda: SmppSession(network, accounts, limit_s), sock=smpp),
        )
        log.info(
            "ready",
            carrier_port=carrier.getsockname()[1],
            smpp_port=smpp.getsockname()[1],
            message_api_port=message_api_port,
            control_port=control_port,
            ops_port=ops_port,
        )
        await stop.wait()
        for server in servers:
            server.close()
        for session in list(binds.sessions.values()):
            session.close("shutdown")
        for smpp_session in accounts.all_sessions():
            smpp_session.shut_down("shutdown")
    network.close()
    log.info("stopped")


if __name__ == "__main__":
    logging.configure("simulator")
    uvloop.run(serve(SimulatorSettings()))
