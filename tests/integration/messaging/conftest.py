"""Messaging on real PostgreSQL and RabbitMQ, with the real simulator at the far side."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from libs.common.clock import now
from libs.common.contracts.auth import SEND
from libs.common.contracts.base import Contract
from libs.common.contracts.messaging import SendText, State
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.grants import Caller, Signer
from libs.common.ids import uuid7
from libs.common.service import Process
from services.messaging.__main__ import SERVICE
from tests.harness import PRIVATE_KEY, Client, client, eventually, grant, running
from tests.infra import Infra
from tests.integration.simulator.process import SimulatorProcess, simulator_process

if TYPE_CHECKING:
    from tests.integration.messaging.operated import Operated

COMPANY = 17
OTHER_COMPANY = 19  # has headers too
GRANT = grant(COMPANY, SEND)
OTHERS_GRANT = grant(OTHER_COMPANY, SEND)
TEST_GRANT = Signer(PRIVATE_KEY).sign(Caller(COMPANY, 1, frozenset({SEND}), test=True), time.time() + 86_400)


@dataclass
class Messaging:
    process: Process
    gateway: Client
    simulator: SimulatorProcess

    async def send(
        self, to: str, body: str = "Your order is ready", sender: str = "82830", id_: UUID | None = None
    ) -> UUID:
        return (await self.gateway.ask(SendText(to=to, sender=sender, body=body), GRANT, id_)).id

    async def schedule(self, to: str, in_s: float, **more: Any) -> UUID:
        ask = SendText(to=to, sender="82830", body="For later", send_at=now() + timedelta(seconds=in_s), **more)
        return (await self.gateway.ask(ask, GRANT)).id

    async def state_of(self, id_: UUID) -> str:
        assert self.process.db is not None
        async with self.process.db.reading() as tx:
            state = await tx.fetchval(
                "SELECT state FROM open_texts WHERE id = $1 UNION ALL SELECT state FROM texts WHERE id = $1", id_
            )
        return str(state)

    async def becomes(self, id_: UUID, state: State, within_s: float = 10.0) -> None:
        async def is_so() -> bool:
            return await self.state_of(id_) == state

        await eventually(is_so, within_s)

    async def count(self, sql: str, *args: Any) -> int:
        assert self.process.db is not None
        async with self.process.db.reading() as tx:
            return int(await tx.fetchval(sql, *args))

    async def on_handset(self, number: str) -> list[str]:
        return [text["text"] for text in await self.simulator.messages_of(number)]


@pytest.fixture(scope="package")
async def far_side(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SimulatorProcess]:
    async with simulator_process(tmp_path_factory.mktemp("far_side")) as simulator:
        yield simulator


@pytest.fixture(scope="package")
async def running_messaging(infra: Infra, far_side: SimulatorProcess) -> AsyncIterator[Messaging]:
    url = f"tcp://127.0.0.1:{far_side.carrier_port}"
    async with running(infra, SERVICE, simulator_url=url) as process, client(infra, "gateway") as gateway:
        async with client(infra, "auth") as auth:
            headers = [
                Header(header="82830", active=True, version=1),
                Header(header="Heliograph", active=True, version=1),
            ]
            for company_id in (COMPANY, OTHER_COMPANY):
                await auth.publish(HeadersChanged(company_id=company_id, items=headers))
        messaging = Messaging(process, gateway, far_side)
        await eventually(lambda: messaging.count("SELECT count(DISTINCT company_id) > 1 FROM headers"))
        yield messaging


@pytest.fixture
async def messaging(running_messaging: Messaging) -> Messaging:
    await running_messaging.simulator.begin_anew()
    return running_messaging


def number(n: int) -> str:
    """One of Ofcom's numbers for drama, a new one for each n."""
    return f"+447700900{n:03d}"


def fresh() -> UUID:
    return uuid7()


def fields(contract: Contract) -> dict[str, Any]:
    return contract.model_dump(mode="json")


@pytest.fixture(scope="package")
async def operated_for_all(infra: Infra, running_messaging: Messaging) -> AsyncIterator[Operated]:
    from tests.integration.messaging.operated import operated_messaging

    async with operated_messaging(infra, running_messaging) as operated:
        yield operated


@pytest.fixture
async def operated(messaging: Messaging, operated_for_all: Operated) -> AsyncIterator[Operated]:
    await operated_for_all.begin()
    yield operated_for_all
    await operated_for_all.end()
