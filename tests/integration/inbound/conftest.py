"""inbound, running for the module, and those who speak to it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from libs.common.contracts.inbound import (
    InboundPage,
    InboxText,
    ReadInbound,
    ReadInboundBooks,
    ReadReinstates,
    ReadStops,
)
from libs.common.contracts.messaging import ArrivedText, HeadersUsed, HeaderUse, TextsArrived
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.ids import uuid7
from libs.common.service import Process
from services.inbound.__main__ import SERVICE
from tests.harness import Client, client, eventually, grant, running
from tests.infra import Infra

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = "+447700900001"
BOB = "+447700900002"

companies = itertools.count(1)


def arrived(body: str, to: str = "82830", number: str = ALICE, at: datetime = AT, carrier_id: str = "") -> ArrivedText:
    return ArrivedText(id=uuid7(), carrier="embedded", carrier_id=carrier_id, number=number, to=to, body=body, at=at)


@dataclass
class World:
    """inbound, and all it deals with: auth and messaging tell it things, the gateway and the console ask."""

    infra: Infra
    process: Process
    auth: Client
    messaging: Client
    gateway: Client
    console: Client

    async def company(self) -> tuple[int, str]:
        """A new company and its header, known to inbound."""
        company_id = next(companies)
        header = f"{60_000 + company_id}"
        await self.give_header(company_id, header)
        return company_id, header

    async def shared_number(self, count: int) -> tuple[str, list[int]]:
        """A number that so many new companies share, known to inbound."""
        company_ids = [next(companies) for _ in range(count)]
        number = f"{80_000 + company_ids[0]}"
        for company_id in company_ids:
            await self.give_header(company_id, number, shared=True)
        return number, company_ids

    async def give_header(
        self,
        company_id: int,
        header: str,
        version: int = 1,
        active: bool = True,
        shared: bool = False,
        brand: str = "",
    ) -> None:
        """Returns once inbound knows."""
        item = Header(header=header, active=active, version=version, shared=shared, brand=brand)
        await self.auth.publish(HeadersChanged(company_id=company_id, items=[item]))
        assert self.process.db is not None
        database = self.process.db

        async def known() -> bool:
            async with database.reading() as tx:
                sql = "SELECT EXISTS (SELECT FROM headers WHERE company_id = $1 AND header = $2 AND version >= $3)"
                return bool(await tx.fetchval(sql, company_id, header, version))

        await eventually(known)

    async def used(self, company_id: int, header: str, number: str = ALICE, at: datetime = AT) -> None:
        """The company texts the number from a shared header; returns once inbound knows."""
        use = HeaderUse(text_id=uuid7(), header=header, number=number, at=at)
        await self.messaging.publish(HeadersUsed(company_id=company_id, items=[use]))
        assert self.process.db is not None
        database = self.process.db

        async def known() -> bool:
            async with database.reading() as tx:
                return bool(
                    await tx.fetchval("SELECT EXISTS (SELECT FROM last_senders WHERE text_id = $1)", use.text_id)
                )

        await eventually(known)

    async def bring(self, *texts: ArrivedText) -> TextsArrived:
        """Texts come in, together; returns once all are kept."""
        event = TextsArrived(company_id=0, items=list(texts))
        await self.messaging.publish(event)
        await self.keeps(*texts)
        return event

    async def keeps(self, *texts: ArrivedText) -> None:
        assert self.process.db is not None
        database = self.process.db
        ids = [text.id for text in texts]

        async def kept() -> bool:
            async with database.reading() as tx:
                count = await tx.fetchval("SELECT count(*) FROM texts WHERE id = ANY($1::uuid[])", ids)
            return bool(count == len(ids))

        await eventually(kept)

    async def texts_of(self, company_id: int) -> list[InboxText]:
        page: InboundPage = await self.gateway.ask(ReadInbound(), grant(company_id))
        return page.items

    async def stops(self, company_id: int, ask: ReadStops | None = None) -> list[str]:
        page = await self.gateway.ask(ask or ReadStops(), grant(company_id))
        return [item.number for item in page.items]

    async def reinstates(self, company_id: int) -> list[str]:
        page = await self.gateway.ask(ReadReinstates(), grant(company_id))
        return [item.number for item in page.items]

    async def unclaimed(self) -> int:
        return (await self.console.ask(ReadInboundBooks())).unclaimed


@pytest.fixture(scope="module")
async def world(infra: Infra) -> AsyncIterator[World]:
    async with (
        client(infra, "auth") as auth,
        client(infra, "messaging") as messaging,
        client(infra, "gateway") as gateway,
        client(infra, "console") as console,
        running(infra, SERVICE) as process,
    ):
        yield World(infra, process, auth, messaging, gateway, console)
        assert [] == (await console.ask(ReadInboundBooks())).faults  # noqa: SIM300  whatever a module's tests did
