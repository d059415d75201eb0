"""Connections to webhooks, against a far side on the loopback that answers byte by byte as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.inbound.textins import lines, webhooks
from services.inbound.textins.lines import ANSWER_BYTES_MAX, Lines, Unreachable, target

REST = b"content-length: 4\r\n\r\nbody"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass
class FarSide:
    """Answers the nth request with the nth of `answers`, the last one from then on; `None` closes without a word."""

    answers: list[bytes | None]
    closes: bool = False  # after each answer
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(REST))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
                if self.closes or answer is None:
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def far_side(*answers: bytes | None, closes: bool = False) -> AsyncIterator[tuple[FarSide, Lines]]:
    far, ours = FarSide(list(answers), closes), Lines(private=True)
    async with await asyncio.start_server(far.serve, "127.0.0.1", 0) as server:
        far.port = server.sockets[0].getsockname()[1]
        yield far, ours
        ours.close()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (OK, 200),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", 201),
        (b"HTTP/1.1 503 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 503),
    ],
)
async def test_a_connection_is_kept_for_the_next_post_when_its_answer_is_whole(answer: bytes, status: int) -> None:
    async with far_side(answer) as (far, ours):
        assert [await ours.post(target(far.url), REST) for _ in range(3)] == [status] * 3
    assert far.connections == 1
    assert far.requests[0] == f"POST /hook?a=b HTTP/1.1\r\nhost: 127.0.0.1:{far.port}\r\n".encode() + REST


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + bytes(ANSWER_BYTES_MAX),
    ],
)
async def test_a_connection_is_not_kept_when_another_answer_could_be_taken_for_the_next_one(answer: bytes) -> None:
    async with far_side(answer, OK) as (far, ours):
        assert [await ours.post(target(far.url), REST) for _ in range(2)] == [200, 200]
    assert far.connections == 2


async def test_an_answer_whose_body_never_ends_counts_by_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "REST_LIMIT_S", 0.05)
    async with far_side(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok") as (far, ours):
        assert [await ours.post(target(far.url), REST) for _ in range(2)] == [200, 200]
    assert far.connections == 2


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-x\r\n", "not HTTP"),
        (b"HTTP/1.1 101 X\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * ANSWER_BYTES_MAX, "longer than"),
        (b"HTTP/1.1 200", "connection lost"),
        (None, "connection lost"),
    ],
)
async def test_what_is_no_answer_says_why(answer: bytes | None, why: str) -> None:
    async with far_side(answer, closes=True) as (far, ours):
        with pytest.raises(Unreachable, match=why):
            await ours.post(target(far.url), REST)
    assert len(far.requests) == 1


async def test_a_post_on_a_kept_connection_that_is_closed_is_asked_once_more_on_a_new_one() -> None:
    async with far_side(OK, None, OK, None) as (far, ours):
        assert await ours.post(target(far.url), REST) == 200
        assert await ours.post(target(far.url), REST) == 200
        with pytest.raises(Unreachable):
            await ours.post(target(far.url), REST)
    assert (far.connections, len(far.requests)) == (3, 5)


async def test_a_connection_is_never_used_for_another_name_of_the_same_address() -> None:
    """Its certificate was checked for the one name."""
    async with far_side(OK) as (far, ours):
        await ours.post(target(far.url), REST)
        await ours.post(target(f"http://localhost:{far.port}/hook"), REST)
    assert far.connections == 2


async def test_a_name_is_checked_at_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with the open internet first, and with this machine the second time."""
    async with far_side(OK, closes=True) as (far, ours):
        checked = Lines(private=False)
        answers = iter([True, False])
        monkeypatch.setattr(webhooks, "all_public", lambda _: next(answers))
        assert await checked.post(target(far.url), REST) == 200
        with pytest.raises(Unreachable, match="not on the open internet"):
            await checked.post(target(far.url), REST)
        ours.close()
    assert far.connections == 1


async def test_a_kept_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "KEPT_S", 0.01)
    async with far_side(OK) as (far, ours):
        await ours.post(target(far.url), REST)
        closed = ours._kept[target(far.url).place][0]
        async with asyncio.timeout(5):
            while ours._kept:
                await asyncio.sleep(0.005)
        assert not closed.open
