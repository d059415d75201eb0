"""Messaging as operators run it: two SMPP carriers over a connector, beside the embedded one; a company, its routes and caps for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from libs.common.contracts.auth import SEND
from libs.common.contracts.messaging import SendText, ShowText
from libs.common.contracts.policies import Policy, SetPolicy
from libs.common.contracts.routing import (
    AddCarrier,
    AddRoute,
    CarrierInfo,
    CarrierState,
    ListCarriers,
    ListRoutes,
    NewRoute,
    RemoveRoute,
    SetCarrier,
    SetSenderCap,
)
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.db.pool import Record
from libs.common.service import Process
from services.messaging.app import Messaging as App
from services.messaging.carriers.carrier import Receipt
from services.messaging.connections import loop as connections
from services.messaging.connections.desk import Desk
from services.messaging.connector import SERVICE as CONNECTOR
from services.messaging.receipts.handlers import take_receipts
from tests.harness import Client, client, eventually, grant, running
from tests.infra import Infra
from tests.integration.messaging.conftest import Messaging

BEACON, CABLE = "beacon", "cable"
TEND_S = 0.1  # in place of a second: each change of the test takes effect so fast
COMPANIES = count(5000)
LONG = "All that was promised. " * 19  # three parts
HEADERS = ("82830", "Heliograph")


@dataclass
class Operated:
    messaging: Messaging
    connector: Process
    console: Client
    auth: Client
    company: int = 0
    routes: list[int] = field(default_factory=list)

    @property
    def app(self) -> App:
        app: App = self.messaging.process.app
        return app

    @property
    def simulator(self) -> Any:
        return self.messaging.simulator

    async def begin(self) -> None:
        self.company = next(COMPANIES)
        headers = [Header(header=header, active=True, version=1) for header in HEADERS]
        await self.auth.publish(HeadersChanged(company_id=self.company, items=headers))

        async def known() -> bool:
            return bool(await self.rows("SELECT FROM headers WHERE company_id = $1", self.company))

        await eventually(known)
        await eventually(self._all_up)

    async def end(self) -> None:
        """As it was: carriers active and without a cap, only the routes of every installation."""
        for name in (BEACON, CABLE, "embedded"):
            await self.console.ask(SetCarrier(name=name, state=CarrierState.ACTIVE, parts_per_s=0))
        for header in HEADERS:
            await self.console.ask(SetSenderCap(sender=header, parts_per_s=0))
        for route in (await self.console.ask(ListRoutes())).items:
            if route.position != 1000:
                await self.console.ask(RemoveRoute(id=route.id))
        await self.execute("UPDATE carriers SET share = 1, shifted_at = clock_timestamp()")
        await self.execute("DELETE FROM carrier_minutes")
        await self.execute("DELETE FROM meters")
        await self.seen()

    async def seen(self) -> None:
        """Until both processes have looked at what operators set up: twice, for a look may have begun before."""
        for _ in range(2):
            for app in (self.app, self.connector.app):
                before = app.routing

                async def looked(app: App = app, before: object = before) -> bool:
                    return app.routing is not before

                await eventually(looked)

    async def _all_up(self) -> bool:
        """Both have sessions, and routing knows."""
        infos = {info.name: info for info in (await self.console.ask(ListCarriers())).items}
        return all(name in infos and any(bind.connected for bind in infos[name].binds) for name in (BEACON, CABLE))

    async def info(self, name: str) -> CarrierInfo:
        return next(info for info in (await self.console.ask(ListCarriers())).items if info.name == name)

    async def route(self, carrier: str, position: int = 10, **more: Any) -> None:
        """For this test's company, where nothing else is said."""
        new = NewRoute(carrier=carrier, position=position, **({"company_id": self.company} | more))
        await self.console.ask(AddRoute(route=new))

    async def set(self, carrier: str, **what: Any) -> None:
        await self.console.ask(SetCarrier(name=carrier, **what))
        await self.seen()

    async def choose(self, policy: Policy) -> None:
        await self.console.ask(SetPolicy(policy=policy, company_id=self.company))

        async def known() -> bool:
            return self.app.policy_of(self.company).in_doubt == policy.in_doubt

        await eventually(known)

    async def send(self, to: str, body: str = "Your order is ready", sender: str = "82830", company: int = 0) -> UUID:
        ask = SendText(to=to, sender=sender, body=body)
        return (await self.messaging.gateway.ask(ask, grant(company or self.company, SEND))).id

    async def steps(self, id_: UUID) -> list[str]:
        return [step["what"] for step in (await self.console.ask(ShowText(id=id_))).steps]

    async def way(self, id_: UUID) -> str:
        """The carrier that the text waits for or went by, as the ledger has it."""
        [row] = await self.rows(
            "SELECT c.name FROM carriers c JOIN open_texts o ON o.route = c.id WHERE o.id = $1"
            " UNION ALL SELECT carrier FROM texts WHERE id = $1",
            id_,
        )
        return str(row["name"])

    async def rows(self, sql: str, *args: Any) -> list[Record]:
        assert self.messaging.process.db is not None
        async with self.messaging.process.db.reading() as tx:
            return await tx.fetch(sql, *args)

    async def execute(self, sql: str, *args: Any) -> None:
        assert self.messaging.process.db is not None
        async with self.messaging.process.db.transaction() as tx:
            await tx.execute(sql, *args)

    def desk(self, carrier: str) -> Desk:
        return next(
            desk for app in (self.app, self.connector.app) for desk in app.desks if desk.carrier.name == carrier
        )

    async def receive(self, carrier: str, *receipts: Receipt) -> None:
        """As though the carrier had brought them."""
        [row] = await self.rows("SELECT id FROM carriers WHERE name = $1", carrier)
        assert self.messaging.process.db is not None
        async with self.messaging.process.db.transaction() as tx:
            await take_receipts(tx, row["id"], carrier, receipts)


def smpp(port: int, system_id: str, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": port,
        "system_id": system_id,
        "password": "simulate",
        "answer_limit_s": 2,
    } | more


@asynccontextmanager
async def operated_messaging(infra: Infra, messaging: Messaging) -> AsyncIterator[Operated]:
    before, connections.LOOP.every_s = connections.LOOP.every_s, TEND_S
    dsn = messaging.process.settings.database_url  # type: ignore[attr-defined]
    try:
        async with (
            client(infra, "console") as console,
            client(infra, "auth") as auth,
            running(infra, CONNECTOR, dsn, simulator_url="tcp://127.0.0.1:1") as connector,
        ):
            for name in (BEACON, CABLE):
                settings = smpp(messaging.simulator.smpp_port, name, long="udh16")
                await console.ask(AddCarrier(name=name, protocol="smpp", settings=settings))
            yield Operated(messaging, connector, console, auth)
    finally:
        connections.LOOP.every_s = before
