"""Callbacks, from the far side's HTTP request to the ledger: the gateway's route, the broker, `raw_callbacks`, the reading."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from libs.common.bus import each, operator
from libs.common.bus.registry import anyone
from libs.common.clock import now
from libs.common.contracts.auth import ADMINISTER
from libs.common.contracts.carriers import ReplayCallbacks, TakeCallback
from libs.common.db import Database
from libs.common.ids import uuid7
from libs.common.ops import serve_http
from libs.common.service import Kernel, Service
from services.gateway.callbacks import Callbacks
from services.messaging.callbacks import handlers, loop
from services.messaging.carriers.carrier import Carrier, Taken
from services.messaging.connections.desk import Desk
from services.messaging.settings import MessagingSettings
from services.simulator.faults import Kind
from tests.harness import Client, client, eventually, grant, running
from tests.infra import Infra
from tests.integration.callbacks.conftest import JSON_SID, JSON_TOKEN, SID, FarSide, carrier_to, http, part

SPEECHES = ["twilio", "generic"]
ADMIN = grant(1, ADMINISTER)


@dataclass
class App:
    db: Database
    desks: list[Desk] = field(default_factory=list)


@contextlib.asynccontextmanager
async def compose(kernel: Kernel[MessagingSettings]) -> AsyncIterator[App]:
    yield App(kernel.db)


SERVICE = Service(
    name="messaging",
    settings=MessagingSettings,
    compose=compose,
    commands={
        TakeCallback: anyone(handlers.take_callbacks),
        ReplayCallbacks: operator(each(handlers.replay_callbacks)),
    },
    loops=loop.LOOPS,
)


@dataclass
class Gateway:
    """What the route needs of one."""

    asker: Any

    @contextlib.asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        yield


@dataclass
class World:
    db: Database
    app: App
    gateway: Client
    url: str  # of the gateway
    far_side: FarSide

    def open(self, speech: str) -> Carrier:
        """As the connections of messaging would."""
        carrier = carrier_to(self.far_side.url, speech, f"{self.url}/callbacks/{speech}")
        self.app.desks.append(Desk(10 + len(self.app.desks), carrier, 1))
        return carrier

    def lines(self, speech: str) -> Any:
        return self.far_side.api.lines[SID if speech == "twilio" else JSON_SID]

    async def count(self, sql: str, *args: Any) -> int:
        async with self.db.reading() as tx:
            return int(await tx.fetchval(sql, *args))

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        async with self.db.reading() as tx:
            return list(await tx.fetch(sql, *args))

    async def in_the_ledger(self, id_: UUID, number: str) -> None:
        """A text that is on its way."""
        async with self.db.transaction() as tx:
            await tx.execute(
                "INSERT INTO open_texts (id, company_id, lane, route, decision, state, number, sender, body, claim_id, claimed_at, submitted_at) "
                "VALUES ($1, 17, 1, 1, 1, 'submitted', $2, '82830', 'x', $1, now(), now())",
                id_,
                number,
            )

    async def ended_as(self, id_: UUID) -> str:
        rows = await self.rows("SELECT state FROM texts WHERE id = $1", id_)
        return str(rows[0]["state"]) if rows else ""


@pytest.fixture
async def world(infra: Infra, far_side: FarSide) -> AsyncIterator[World]:
    async with (
        running(infra, SERVICE, simulator_url="tcp://127.0.0.1:1") as process,
        client(infra, "gateway") as gateway,
    ):
        route = Callbacks(Gateway(gateway.asker))  # type: ignore[arg-type]  # of a gateway it needs no more than this

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await route(scope, receive, send)

        async with serve_http(app, "127.0.0.1", 0) as port:
            assert process.db is not None
            world = World(process.db, process.app, gateway, f"http://127.0.0.1:{port}", far_side)
            yield world
            for desk in world.app.desks:
                await desk.carrier.close()


@pytest.mark.parametrize("speech", SPEECHES)
async def test_receipts_end_texts_each_once_whatever_is_doubled_or_out_of_order(world: World, speech: str) -> None:
    carrier = world.open(speech)
    world.far_side.fault(Kind.RECEIPT_TWICE, count=5)
    world.far_side.fault(Kind.RECEIPT_OUT_OF_ORDER, count=5)
    world.far_side.fault(Kind.RECEIPT_BEFORE_ANSWER, count=5, delay_ms=400)
    parts = [part(f"+4477009001{n:02}") for n in range(40)] + [part("+447700900985")]
    for one in parts:
        await world.in_the_ledger(one.text_id, one.number)

    answers = await carrier.submit(parts)

    async def all_ended() -> bool:
        return await world.count("SELECT count(*) FROM texts") == len(parts)

    await eventually(all_ended, within_s=15)
    assert {type(answer) for answer in answers} == {Taken}
    assert await world.count("SELECT count(*) FROM texts WHERE state = 'delivered'") == 40
    assert await world.ended_as(parts[-1].text_id) == "failed"
    assert await world.count("SELECT count(*) FROM raw_callbacks WHERE trouble <> ''") == 0


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_lost_answer_is_settled_by_its_receipt(world: World, speech: str) -> None:
    carrier = world.open(speech)
    world.far_side.fault(Kind.NO_ANSWER)
    one = part()
    await world.in_the_ledger(one.text_id, one.number)

    await carrier.submit([one])

    async def delivered() -> bool:
        return await world.ended_as(one.text_id) == "delivered"

    await eventually(delivered)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_text_from_a_handset_is_announced_once_stored(world: World, speech: str) -> None:
    world.open(speech)
    world.lines(speech).set_inbound_url(f"{world.url}/callbacks/{speech}/inbound")

    world.far_side.network.text_in([("+447700900123", "82830", "STOP & co = 100% ü 😀")])

    async def arrived() -> bool:
        return await world.count("SELECT count(*) FROM raw_arrivals") == 1

    await eventually(arrived)
    (row,) = await world.rows("SELECT carrier, items::text FROM raw_arrivals")
    assert row["carrier"] == speech
    assert "STOP & co = 100% ü 😀" in row["items"]


async def call(world: World, method: str, path: str, **more: Any) -> httpx.Response:
    async with http() as client:
        return await client.request(method, f"{world.url}{path}", **more)


async def test_bad_requests_are_answered_by_a_bare_status_and_leave_nothing(world: World) -> None:
    world.open("twilio")

    answers = [
        await call(world, "POST", "/callbacks/twilio/status", data={"MessageSid": "SM1", "MessageStatus": "delivered"}),
        await call(world, "POST", "/callbacks/nobody/status"),
        await call(world, "POST", "/callbacks/twilio/"),
        await call(world, "POST", "/callbacks/twilio"),
        await call(world, "POST", "/callbacks/No_Name/status"),
        await call(world, "DELETE", "/callbacks/twilio/status"),
        await call(world, "POST", "/callbacks/twilio/status", content=b"x" * 65_537),
    ]

    assert [answer.status_code for answer in answers] == [403, 404, 404, 404, 404, 405, 413]
    assert {answer.content for answer in answers} == {b""}
    assert answers[5].headers["allow"] == "GET, POST"
    assert await world.count("SELECT count(*) FROM raw_callbacks") == 0


async def test_a_body_without_a_length_is_cut_off_too(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 8192

    answer = await call(world, "POST", "/callbacks/twilio/status", content=chunks())

    assert answer.status_code == 413


async def test_what_cannot_be_read_is_kept_and_takes_nothing_along_and_can_be_read_again(world: World) -> None:
    """Two broken ones among good ones: one that says nothing, and one that no database takes (a null character)."""
    carrier: Any = world.open("generic")
    good = [part(f"+4477009001{n:02}") for n in range(3)]
    for one in good:
        await world.in_the_ledger(one.text_id, one.number)
    contents: list[Any] = [
        {"receipts": [{"id": f"m{n}", "reference": str(one.text_id), "status": "delivered"}]}
        for n, one in enumerate(good)
    ]
    contents.insert(1, {"receipts": [{"id": "m9"}]})
    contents.insert(2, {"texts": [{"id": "a\x00", "from": "+447700900123", "to": "82\x00", "text": "\x00"}]})
    paths = ["status", "status", "inbound", "status", "status"]
    await asyncio.gather(*(_signed_call(world, path, content) for path, content in zip(paths, contents, strict=True)))

    async def all_read() -> bool:
        return await world.count("SELECT count(*) FROM raw_callbacks WHERE done_at IS NOT NULL") == 5

    await eventually(all_read)
    assert await world.count("SELECT count(*) FROM texts") == 3
    troubles = {row["trouble"] for row in await world.rows("SELECT trouble FROM raw_callbacks WHERE trouble <> ''")}
    assert "nothing at item:status" in troubles
    assert await world.count("SELECT count(*) FROM raw_callbacks WHERE headers ? 'x-signature'") == 0

    receipts = carrier._settings.callbacks.receipts
    mended = receipts.model_copy(update={"status": "item:id", "statuses": {"m9": receipts.statuses["delivered"]}})
    carrier._settings = carrier._settings.model_copy(
        update={"callbacks": carrier._settings.callbacks.model_copy(update={"receipts": mended})}
    )
    ask = ReplayCallbacks(carrier="generic", since=now() - timedelta(hours=1), until=now() + timedelta(hours=1))
    await world.gateway.ask(ask, ADMIN)

    async def mended_one_is_read() -> bool:
        rows = await world.rows("SELECT trouble FROM raw_callbacks WHERE path = 'status' AND done_at IS NOT NULL")
        return len(rows) == 4 and all(row["trouble"] == "" for row in rows)

    await eventually(mended_one_is_read)


async def _signed_call(world: World, path: str, content: Any) -> None:
    body = orjson.dumps(content)
    digest = hmac.new(JSON_TOKEN.encode(), body, hashlib.sha256).hexdigest()
    answer = await call(
        world, "POST", f"/callbacks/generic/{path}", content=body, headers={"X-Signature": f"sha256={digest}"}
    )
    assert answer.status_code == 200


async def test_a_repeat_of_the_ask_is_the_same_callback(world: World) -> None:
    world.open("generic")
    digest = hmac.new(JSON_TOKEN.encode(), b"{}", hashlib.sha256).hexdigest()
    ask = TakeCallback(
        carrier="generic",
        method="POST",
        url="http://x/callbacks/generic/status",
        path="status",
        headers={"x-signature": f"sha256={digest}"},
        body_base64=base64.b64encode(b"{}").decode(),
        at=now(),
    )
    id_ = uuid7()

    first, second = await world.gateway.ask(ask, id_=id_), await world.gateway.ask(ask, id_=id_)

    assert first == second
    assert await world.count("SELECT count(*) FROM raw_callbacks") == 1
