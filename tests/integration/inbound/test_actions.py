"""What follows from a text that a text-in claims, on real PostgreSQL, with a webhook's far side that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from libs.common.contracts.base import Event
from libs.common.contracts.inbound import MembershipsWanted, RepliesWanted
from libs.common.contracts.messaging import ArrivedText, TextsArrived
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.contracts.textins import ListDeadDeliveries, TextInActions
from libs.common.db import Database, migrator
from libs.common.db.outbox import event_type
from libs.common.ids import uuid7
from services.inbound.replies import handlers as replies
from services.inbound.textins import deliveries, handlers, store, webhooks
from services.inbound.textins import loop as posting
from services.inbound.textins.lines import Lines
from services.inbound.textins.loop import OF_EACH, Posts, forget_step, settle_step
from services.inbound.textins.rules import Claimed
from services.inbound.texts import handlers as texts
from tests.harness import eventually
from tests.infra import Infra

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALICE = "+447700900001"
COMPANY = 7
SECRET = webhooks.new_secret()


@dataclass
class FarSide:
    """Takes posts; answers each with the next of `statuses`, the last one from then on."""

    url: str = ""
    statuses: list[int] = field(default_factory=lambda: [204])
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        self.posts.append((headers, await reader.readexactly(int(headers["content-length"]))))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        writer.write(f"HTTP/1.1 {status} X\r\nlocation: {self.url}/elsewhere\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def far_side(*statuses: int) -> AsyncIterator[FarSide]:
    far = FarSide(statuses=list(statuses) or [204])
    async with await asyncio.start_server(far.serve, "127.0.0.1", 0) as server:
        far.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        yield far


class SilentSide(asyncio.Protocol):
    """Takes connections and says nothing until it closes them."""

    def __init__(self) -> None:
        self.url = ""
        self._open: list[asyncio.BaseTransport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.append(transport)

    def close(self) -> None:
        for transport in self._open:
            transport.close()


@asynccontextmanager
async def silent_side() -> AsyncIterator[SilentSide]:
    silent = SilentSide()
    async with await asyncio.get_running_loop().create_server(lambda: silent, "127.0.0.1", 0) as server:
        silent.url = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        yield silent
        silent.close()


@dataclass
class Inbound:
    db: Database
    lines: Lines = field(default_factory=lambda: Lines(private=True))

    @cached_property
    def app(self) -> Any:
        """One process."""
        return SimpleNamespace(db=self.db, posts=Posts(self.lines))

    @property
    def another(self) -> Any:
        """A copy of it."""
        return SimpleNamespace(db=self.db, posts=Posts(self.lines))

    async def text_in(self, **actions: Any) -> int:
        async with self.db.transaction() as tx:
            sql = "INSERT INTO text_ins (company_id, header, header_key, keyword, keyword_key) VALUES ($1, '82830', '82830', $2, $2) RETURNING id"
            id_: int = await tx.fetchval(sql, COMPANY, f"k{uuid7()}")
            set_ = TextInActions(**actions)
            await store.set_actions(tx, id_, set_, SECRET if set_.webhook_url else None, None)
        return id_

    async def claimed(self, text_in_id: int, body: str = "win a car", number: str = ALICE) -> Claimed:
        """A text that was kept, and what follows."""
        text = Claimed(uuid7(), COMPANY, text_in_id, number, "82830", body, AT)
        async with self.db.transaction() as tx:
            sql = """INSERT INTO texts (id, company_id, number, header, header_key, text_in_id, body, at, carrier, carrier_id)
                VALUES ($1, $2, $3, '82830', '82830', $4, $5, $6, 'embedded', '')"""
            await tx.execute(sql, text.id, COMPANY, number, text_in_id, body, AT)
            await replies.answer(tx, await handlers.act(tx, [text]))
        return text

    async def told(self, kind: type[Event]) -> list[Any]:
        async with self.db.reading() as tx:
            rows = await tx.fetch("SELECT body FROM outbox WHERE type = $1 ORDER BY seq", event_type(kind))
        return [item for row in rows for item in kind.model_validate_json(row["body"]).items]  # type: ignore[attr-defined]

    async def change(self, sql: str, *args: Any) -> None:
        async with self.db.transaction() as tx:
            await tx.execute(sql, *args)

    async def waiting(self) -> list[tuple[int, str]]:
        async with self.db.reading() as tx:
            return [
                tuple(row)
                for row in await tx.fetch("SELECT attempts, error FROM deliveries WHERE ended_at IS NULL ORDER BY id")
            ]

    async def due_now(self) -> None:
        await self.change("UPDATE deliveries SET next_attempt_at = clock_timestamp()")


async def post_step(app: Any) -> int:
    """Posts, and writes down what came of it; how many were claimed."""
    claimed = await posting.post_step(app)
    await app.posts.all_back()
    await settle_step(app)
    return claimed


@pytest.fixture
async def inbound(infra: Infra) -> AsyncIterator[Inbound]:
    dsn = infra.create_database("inbound")
    await migrator.migrate(dsn, "inbound")
    database = Database(dsn, "test-actions", size=6)
    await database.open()
    running = Inbound(database)
    yield running
    await running.lines.close()
    await database.close()
    infra.drop_database(dsn)


async def test_a_text_is_answered_forwarded_and_puts_its_number_on_a_list(inbound: Inbound) -> None:
    text_in = await inbound.text_in(
        reply="You are in.", forward_to="+447700900002", join_list_id=3, leave_list_id=4, campaign_id=5
    )
    await inbound.claimed(text_in)

    wanted = await inbound.told(RepliesWanted)
    assert sorted((one.to, one.sender, one.body, one.exempt) for one in wanted) == [
        (ALICE, "82830", "You are in.", False),
        ("+447700900002", "82830", "From 07700900001: win a car", False),
    ]
    assert [(one.list_id, one.number, one.joins) for one in await inbound.told(MembershipsWanted)] == [
        (4, ALICE, False),
        (3, ALICE, True),
    ]
    assert await inbound.waiting() == []


async def test_two_copies_that_answer_one_number_at_once_keep_to_the_guard(inbound: Inbound) -> None:
    text_in = await inbound.text_in(reply="You are in.")

    await asyncio.gather(*(inbound.claimed(text_in, f"win {n}") for n in range(12)))
    assert len(await inbound.told(RepliesWanted)) == 3
    await inbound.change(
        "UPDATE replies SET answered = ARRAY(SELECT at - interval '1 hour' FROM unnest(answered) AS at)"
    )
    await asyncio.gather(*(inbound.claimed(text_in, "I am driving") for _ in range(6)))
    assert len(await inbound.told(RepliesWanted)) == 5
    await inbound.claimed(text_in, "win", "82999")
    assert len(await inbound.told(RepliesWanted)) == 5


async def test_two_batches_that_answer_the_same_numbers_for_different_reasons_never_wait_for_each_other(
    inbound: Inbound,
) -> None:
    """One answers a wish of the first number and a keyword of the second, the other the other way about."""
    async with inbound.db.transaction() as tx:
        header = Header(header="82830", active=True, version=1)
        await texts.on_headers_changed(tx, HeadersChanged(company_id=COMPANY, items=[header]))
    text_in = await inbound.text_in(reply="You are in.")
    await inbound.change("UPDATE text_ins SET keyword = 'join', keyword_key = 'join' WHERE id = $1", text_in)

    async def comes(*said: tuple[str, str]) -> None:
        items = [
            ArrivedText(
                id=uuid7(), carrier="embedded", carrier_id=str(uuid7()), number=number, to="82830", body=body, at=AT
            )
            for number, body in said
        ]
        async with inbound.db.transaction() as tx:
            await texts.on_arrived(tx, TextsArrived(company_id=0, items=items))

    for pair in range(20):
        one, other = f"+4477009001{pair:02d}", f"+4477009002{pair:02d}"
        await asyncio.gather(comes((one, "HELP"), (other, "join")), comes((other, "HELP"), (one, "join")))

    answered = [(reply.to, reply.body == "You are in.") for reply in await inbound.told(RepliesWanted)]
    assert len(answered) == len(set(answered)) == 80


async def test_a_webhook_gets_the_text_signed_once(inbound: Inbound) -> None:
    async with far_side() as far:
        text = await inbound.claimed(await inbound.text_in(webhook_url=f"{far.url}/texts?a=b"))
        assert sum(await asyncio.gather(post_step(inbound.app), post_step(inbound.another))) == 1
        assert await post_step(inbound.app) == 0

    [(headers, body)] = far.posts
    id_, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    assert headers["webhook-signature"] == webhooks.signature(SECRET, id_, int(timestamp), body)
    assert headers["host"] == far.url.removeprefix("http://")
    data = json.loads(body)["data"]
    assert (data["id"], data["from"], data["text"]) == (str(text.id), ALICE, "win a car")
    assert await inbound.waiting() == []


async def test_a_webhook_that_fails_is_tried_again_under_the_same_id_and_no_redirect_is_followed(
    inbound: Inbound,
) -> None:
    async with far_side(500, 302, 204) as far:
        await inbound.claimed(await inbound.text_in(webhook_url=far.url))
        await post_step(inbound.app)
        assert await inbound.waiting() == [(1, "HTTP 500")]
        assert await post_step(inbound.app) == 0  # its pause
        await inbound.due_now()
        await post_step(inbound.app)
        assert await inbound.waiting() == [(2, "HTTP 302")]
        await inbound.due_now()
        await post_step(inbound.app)

    assert len({headers["webhook-id"] for headers, _ in far.posts}) == 1
    assert len(far.posts) == 3
    assert await inbound.waiting() == []


async def test_what_a_webhook_never_took_within_a_day_is_listed_as_dead_and_forgotten_after_a_month(
    inbound: Inbound,
) -> None:
    text_in = await inbound.text_in(webhook_url="http://localhost:1/")
    text = await inbound.claimed(text_in)
    await post_step(inbound.app)
    [(attempts, error)] = await inbound.waiting()
    assert (attempts, "connect" in error.lower()) == (1, True)

    await inbound.change("UPDATE deliveries SET created_at = created_at - interval '24 hours'")
    await inbound.due_now()
    await post_step(inbound.app)
    async with inbound.db.reading() as tx:
        [dead] = (await deliveries.dead(tx, COMPANY, ListDeadDeliveries())).items
        assert (await deliveries.dead(tx, COMPANY + 1, ListDeadDeliveries())).items == []
        assert (await deliveries.dead(tx, COMPANY, ListDeadDeliveries(after=dead.id))).items == []
    assert (dead.text_in_id, dead.text_id, dead.attempts) == (text_in, text.id, 2)
    assert await forget_step(inbound.app) == 0
    await inbound.change("UPDATE deliveries SET ended_at = ended_at - interval '31 days'")
    assert await forget_step(inbound.app) == 1


async def test_a_private_address_is_not_posted_to_unless_the_operator_allows_it(inbound: Inbound) -> None:
    await inbound.lines.close()
    inbound.lines = Lines(private=False)
    async with far_side() as far:
        port = far.url.rpartition(":")[2]
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
            await inbound.claimed(await inbound.text_in(webhook_url=f"http://{host}:{port}/"))
        await post_step(inbound.app)

    assert far.posts == []
    errors = [error for _, error in await inbound.waiting()]
    assert len(errors) == 6
    assert all("not on the open internet" in error or "no address that" in error for error in errors), errors


async def test_a_worker_that_died_with_a_post_in_hand_leaves_it_to_another_after_the_lease(inbound: Inbound) -> None:
    async with far_side() as far:
        await inbound.claimed(await inbound.text_in(webhook_url=far.url))
        async with inbound.db.transaction() as tx:
            [stale] = await deliveries.claim(tx, 50, 5, {}, 60.0)
        assert await post_step(inbound.app) == 0
        await inbound.due_now()
        async with inbound.db.transaction() as tx:
            [held] = await deliveries.claim(tx, 50, 5, {}, 60.0)
            await deliveries.remove_those_still_ours(tx, [stale])
            await deliveries.set_failed_those_still_ours(tx, [deliveries.Failed(stale, "late", None)])
        assert held.attempts == 2
        assert await inbound.waiting() == [(2, "")]


async def test_one_webhook_that_does_not_answer_keeps_no_other_waiting_and_has_so_many_posts_at_once(
    inbound: Inbound,
) -> None:
    async with far_side() as far, silent_side() as silent:
        slow = await inbound.text_in(webhook_url=silent.url)
        for n in range(OF_EACH + 5):
            await inbound.claimed(slow, f"win {n}")
        assert await posting.post_step(inbound.app) == OF_EACH
        assert await posting.post_step(inbound.app) == 0

        await inbound.claimed(await inbound.text_in(webhook_url=far.url), "quick")
        assert await posting.post_step(inbound.app) == 1
        await eventually(lambda: settle_step(inbound.app))
        assert [json.loads(body)["data"]["text"] for _, body in far.posts] == ["quick"]
        assert len(await inbound.waiting()) == OF_EACH + 5

        silent.close()
        await inbound.app.posts.all_back()
        assert await settle_step(inbound.app) == OF_EACH
        assert await posting.post_step(inbound.app) == 5


async def test_what_came_of_posts_is_kept_while_it_cannot_be_written_down(inbound: Inbound) -> None:
    async with far_side(204, 500) as far:
        text_in = await inbound.text_in(webhook_url=far.url)
        for n in range(2):
            await inbound.claimed(text_in, f"win {n}")
        await posting.post_step(inbound.app)
        await inbound.app.posts.all_back()
        await inbound.change("ALTER TABLE deliveries RENAME TO away")
        with pytest.raises(asyncpg.UndefinedTableError):
            await settle_step(inbound.app)
        await inbound.change("ALTER TABLE away RENAME TO deliveries")

        assert await settle_step(inbound.app) == 2
        assert await inbound.waiting() == [(1, "HTTP 500")]
        assert inbound.app.posts.of_webhook.total() == 0


async def test_what_waits_for_a_webhook_that_was_taken_away_is_dropped(inbound: Inbound) -> None:
    text_in = await inbound.text_in(webhook_url="http://localhost:1/")
    text = await inbound.claimed(text_in)
    assert isinstance(text.id, UUID)
    async with inbound.db.transaction() as tx:
        await store.set_actions(tx, text_in, TextInActions(), None, None)

    assert await post_step(inbound.app) == 0
    assert await forget_step(inbound.app) == 1
