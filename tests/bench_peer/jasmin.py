"""Jasmin 0.11.1 from PyPI with the known receipt correction, its four daemons, a Redis as Debian ships it, and a RabbitMQ of its own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.native.layout import Layout
from deploy.native.terminal import Trouble, step
from tests import infra
from tests.bench.fleet import TREE
from tests.bench_peer.called_back import CalledBack
from tests.bench_peer.far_side import FarSide
from tests.bench_peer.processes import kill_all
from tests.bench_peer.sink import Sink
from tests.bench_peer.systems import BOUND_LIMIT_S, HEADER, TEXT, Unavailable, until
from tests.integration.simulator.process import simulator_process
from tests.peers import jasmin as peer
from tests.peers import needed

SYSTEM_ID, SYSTEM_PASSWORD = "jasmin", "simulate"
NETWORK, SUBSCRIBER = "network", "subscriber"

CONFIGURE = """\
group -a
gid peers
ok
user -a
username {user}
password {password}
gid peers
uid {user}
mt_messaging_cred quota http_throughput none
ok
smppccm -a
cid {network}
host 127.0.0.1
port {port}
username {system_id}
password {system_password}
bind transceiver
submit_throughput 0
ok
httpccm -a
cid {subscriber}
url http://127.0.0.1:{sink}/mo
method GET
ok
mtrouter -a
type defaultroute
connector smppc({network})
rate 0.0
ok
morouter -a
type defaultroute
connector http({subscriber})
ok
smppccm -1 {network}
persist
"""
PROMISES = {
    "a 2xx": "the text was given to RabbitMQ's memory, not persistent and not confirmed; no record of it is kept",
    "a receipt": "its URL was called; what is awaited is in Redis, written out from time to time",
    "a text in": "given to RabbitMQ's memory when it is acknowledged; then its URL was called",
    "bulk": "as a 2xx: one number a request, 16 clients, no receipts",
}


class Jasmin(CalledBack):
    key = "jasmin"
    path = "/send"
    account = f"smpp:{SYSTEM_ID}"
    accepted_status = 200
    bulk_clients, bulk_numbers = 16, 1
    still_s = 45.0  # it pauses for 30 s when it has found its connector not bound
    note = "started again only after its lock files were removed by hand"

    def __init__(self, daemons: peer.Jasmin, servers: infra.Infra, far: FarSide, sink: Sink) -> None:
        super().__init__(far, sink, PROMISES)
        self._daemons, self._infra, self.port = daemons, servers, daemons.http_port

    def fields(self, numbers: Sequence[int], receipt_to: str | None) -> dict[str, str]:
        [number] = numbers
        fields = {"username": peer.USER, "password": peer.USER_PASSWORD, "from": HEADER, "content": TEXT}
        fields["to"] = str(number)
        return fields | (
            {"dlr": "yes", "dlr-level": "2", "dlr-method": "GET", "dlr-url": receipt_to} if receipt_to else {}
        )

    def pids(self) -> dict[str, int]:
        node = self._infra.rabbitmq.node() if self._infra.rabbitmq else None
        assert node is not None, "RabbitMQ runs natively"
        return self._daemons.pids | {"rabbitmq": node.pid}

    async def kill(self) -> None:
        assert self._infra.rabbitmq is not None
        await asyncio.to_thread(kill_all, self.pids().values())
        self._daemons.kill()
        await asyncio.to_thread(self._infra.rabbitmq.kill)  # its epmd

    async def start_again(self) -> None:
        assert self._infra.rabbitmq is not None
        await asyncio.to_thread(self._infra.rabbitmq.start)
        self._daemons.remove_locks()
        await asyncio.to_thread(self._daemons.start, again=True)


@asynccontextmanager
async def jasmin(sink: Sink, *, without_nagle: bool) -> AsyncIterator[Jasmin]:
    try:
        needed.programs("redis-server")
        programs = needed.jasmin_venv(Layout(TREE))
    except (Trouble, OSError) as trouble:
        raise Unavailable(str(trouble)) from trouble
    with tempfile.TemporaryDirectory(prefix="heliograph-bench-jasmin-") as name:
        folder = Path(name)
        with step("jasmin: RabbitMQ"):
            servers = await asyncio.to_thread(infra.start_infra, durable=True)
        daemons = peer.Jasmin(programs, folder, servers, without_nagle=without_nagle)
        try:
            async with simulator_process(folder) as simulator:
                far = FarSide(
                    simulator.log_path, simulator.control.base_url.port or 0, simulator.smpp_port, simulator.pid
                )
                with step("jasmin: Jasmin"):
                    await asyncio.to_thread(daemons.start)
                    await daemons.tell(_configuration(far, sink))
                    await until("Jasmin is bound", lambda: far.bound(SYSTEM_ID), BOUND_LIMIT_S)
                await far.behave()
                yield Jasmin(daemons, servers, far, sink)
        finally:
            await asyncio.to_thread(daemons.stop)
            await asyncio.to_thread(servers.stop)


def _configuration(far: FarSide, sink: Sink) -> str:
    return CONFIGURE.format(
        user=peer.USER,
        password=peer.USER_PASSWORD,
        network=NETWORK,
        subscriber=SUBSCRIBER,
        port=far.smpp_port,
        system_id=SYSTEM_ID,
        system_password=SYSTEM_PASSWORD,
        sink=sink.port,
    )
