"""The whole of messaging with every candidate set up as an operator would, and the handsets' record held against its ledger."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.types import Receive, Scope, Send

from libs.common.contracts.auth import ADMINISTER, SEND
from libs.common.contracts.messaging import SendText, State
from libs.common.contracts.routing import AddCarrier, AddRoute, ListDoubts, NewRoute
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.ops import serve_http
from libs.common.service import Process
from services.gateway.callbacks import Callbacks
from services.messaging.__main__ import SERVICE
from services.messaging.connector import SERVICE as CONNECTOR
from services.messaging.routing.rules import Routable
from tests.carriers.candidates import CANDIDATES, WINDOW, Candidate
from tests.carriers.line import NUMBERS, Bench, texts_go_to
from tests.harness import Client, client, eventually, grant, running
from tests.infra import Infra
from tests.integration.simulator.process import SimulatorProcess

ADMIN = grant(1, ADMINISTER)
HANDSETS = 20
LOOK_AGAIN_S = 0.25  # each look reads everything
LONG = "".join(f"{n:02d}€😀 " for n in range(30))
LONG_GSM = "Your order {is} ready. " * 16


def company_of(candidate: Candidate) -> int:
    return 100 + CANDIDATES.index(candidate)


@dataclass
class Sent:
    id: UUID
    number: str
    body: str


@dataclass
class Ledger:
    infra: Infra
    process: Process
    gateway: Client
    simulator: SimulatorProcess
    told: dict[str, str]  # messaging's settings beside the usual

    @property
    def dsn(self) -> str:
        assert self.process.db is not None
        return str(self.process.settings.database_url)  # type: ignore[attr-defined]

    async def use(self, candidate: Candidate, settings: dict[str, Any]) -> None:
        """As an operator would: a carrier, and a route to it for a company of its own."""
        company = company_of(candidate)
        async with client(self.infra, "auth") as auth:
            headers = [Header(header="82830", active=True, version=1)]
            await auth.publish(HeadersChanged(company_id=company, items=headers))
        if candidate.protocol:
            new = AddCarrier(name=candidate.name, protocol=candidate.protocol, settings=settings)
            await self.gateway.ask(new, ADMIN)
        if candidate.called_back:
            url = f"{self.told['public_url']}/callbacks/{candidate.name}/inbound"
            await texts_go_to(candidate, self.simulator, url)
        route = NewRoute(carrier=candidate.name, position=10, company_id=company)
        await self.gateway.ask(AddRoute(route=route), ADMIN)

        async def known() -> bool:
            header = await self.rows("SELECT FROM headers WHERE company_id = $1", company)
            way = self.process.app.routing.decide(Routable(UUID(int=0), company, 1, "+447700900001", "82830"))
            return bool(header and way and self.process.app.routing.name_of(way.carrier) == candidate.name)

        await eventually(known)

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        assert self.process.db is not None
        async with self.process.db.reading() as tx:
            return list(await tx.fetch(sql, *args))

    async def send(self, company: int, count: int, long: bool = True) -> list[Sent]:
        """To some handsets, words of its own in each text; every fifth is long."""
        numbers = [f"+44791{next(NUMBERS):07d}" for _ in range(HANDSETS)]
        endings = {0: LONG_GSM, 5: LONG} if long else {}
        texts = [(numbers[n % HANDSETS], f"Text {n} {endings.get(n % 10, '')}".strip()) for n in range(count)]

        async def one(number: str, body: str) -> Sent:
            ask = SendText(to=number, sender="82830", body=body)
            return Sent((await self.gateway.ask(ask, grant(company, SEND))).id, number, body)

        return await asyncio.gather(*(one(number, body) for number, body in texts))

    async def states(self, company: int) -> dict[UUID, State]:
        found = await self.rows(
            "SELECT id, state FROM open_texts WHERE company_id = $1 UNION ALL SELECT id, state FROM texts WHERE company_id = $1",
            company,
        )
        return {row["id"]: State(row["state"]) for row in found}

    async def agrees(self, candidate: Candidate, sent: Sequence[Sent], within_s: float = 80.0) -> Counter[State]:
        """Once nothing is under way: nothing twice, nothing missing without a word, nothing said that is not so. Counts the states."""
        until = time.monotonic() + within_s
        while complaints := await self.complaints(candidate, sent):
            assert time.monotonic() < until, complaints[:10]
            await asyncio.sleep(LOOK_AGAIN_S)
        states = await self.states(company_of(candidate))
        return Counter(states[one.id] for one in sent)

    async def complaints(self, candidate: Candidate, sent: Sequence[Sent]) -> list[str]:
        states = await self.states(company_of(candidate))
        under_way = [one.id for one in sent if states[one.id] in (State.QUEUED, State.SUBMITTING)]
        if under_way:
            return [f"{id_} is {states[id_]}" for id_ in under_way]
        listed = await self.gateway.ask(ListDoubts(limit=1000), ADMIN)
        doubts = {doubt.id for doubt in listed.items}
        numbers = {one.number for one in sent}
        log = [entry for entry in await Bench(candidate, self.simulator).log() if entry["to"] in numbers]
        taken = Counter(
            (entry["to"], entry.get("concat", 0), entry.get("part", 1), entry["text"])
            for entry in log
            if entry["outcome"] == "taken"
        )
        said = [f"{key} was taken {times} times" for key, times in taken.items() if times > 1]
        shown = {n: Counter(text["text"] for text in await self.simulator.messages_of(n)) for n in numbers}
        bodies = {(one.number, one.body) for one in sent}
        said += [f"{n} shows what nobody sent" for n in numbers if any((n, text) not in bodies for text in shown[n])]
        never = {entry["to"] for entry in log if entry["receipt"] == "never"}
        for one in sent:
            state, times = states[one.id], shown[one.number][one.body]
            there = {
                State.DELIVERED: times == 1,
                State.IN_DOUBT: times <= 1 and one.id in doubts,
                State.REJECTED: times == 0,
                State.FAILED: times == 0,
                State.SUBMITTED: times == 1 and (one.number in never or await self.without_reference(one.id)),
            }
            if not there.get(state, False):
                said.append(f"{one.id} is {state}, and {times} times on its handset")
        return said

    async def without_reference(self, id_: UUID) -> bool:
        """Taken without an id: no receipt can name it (Kind.EMPTY_ID)."""
        return bool(await self.rows("SELECT FROM sent_parts WHERE text_id = $1 AND reference LIKE $2", id_, f"{id_}/%"))


@asynccontextmanager
async def ledger(infra: Infra, simulator: SimulatorProcess) -> AsyncIterator[Ledger]:
    """Messaging with all candidates, the gateway's route for callbacks, and a connector."""
    async with messaging(infra, simulator) as done:
        for candidate in CANDIDATES:
            await done.use(candidate, candidate.settings(simulator, WINDOW))
        async with running(infra, CONNECTOR, done.dsn, **done.told) as connector:
            await eventually(lambda: _all_connected([done.process, connector]), 15)
            yield done
            for candidate in CANDIDATES:
                if candidate.called_back:
                    await texts_go_to(candidate, simulator, "")


@asynccontextmanager
async def messaging(infra: Infra, simulator: SimulatorProcess) -> AsyncIterator[Ledger]:
    """Without any carrier but the embedded one, of which it is told."""
    async with client(infra, "gateway") as gateway:
        route = Callbacks(Gateway(gateway.asker))  # type: ignore[arg-type]  # of a gateway it needs no more than this

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await route(scope, receive, send)

        async with serve_http(app, "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}"
            told = {"simulator_url": f"tcp://127.0.0.1:{simulator.carrier_port}", "public_url": url}
            async with running(infra, SERVICE, **told) as process:
                yield Ledger(infra, process, gateway, simulator, told)


@dataclass
class Gateway:
    asker: Any

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        yield


async def _all_connected(processes: Sequence[Process]) -> bool:
    connected = {desk.carrier.name for process in processes for desk in process.app.desks if desk.carrier.connected}
    return {candidate.name for candidate in CANDIDATES} <= connected
