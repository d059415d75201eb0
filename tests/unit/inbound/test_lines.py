"""Connections to webhooks, against a far side on the loopback that answers byte by byte as it is told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.inbound.textins import lines, webhooks
from services.inbound.textins.lines import ANSWER_BYTES_MAX, Lines, Unreachable

HEADERS = {"content-type": "application/json", "user-agent": "Heliograph", "webhook-id": "one"}
BODY = b"body"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
MOVED = b"HTTP/1.1 307 X\r\nlocation: /elsewhere\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"
CLOSES = b"<closes>"  # at the end of an answer: then the connection is closed
REAL_IS_PUBLIC = webhooks.is_public


@dataclass
class FarSide:
    """Answers the nth request with the nth of `answers`, the last one from then on."""

    answers: list[bytes]
    port: int = 0
    connections: int = 0
    closed: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n" + BODY))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(answer.removesuffix(CLOSES))
                await writer.drain()
                if answer.endswith(CLOSES):
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            self.closed += 1
            writer.close()

    async def all_closed(self) -> None:
        async with asyncio.timeout(5):
            while self.closed < self.connections:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def far_side(
    *answers: bytes, private: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[FarSide, Lines]]:
    far, ours = FarSide(list(answers)), Lines(private=private)
    async with await asyncio.start_server(far.serve, "127.0.0.1", 0, ssl=tls) as server:
        far.port = server.sockets[0].getsockname()[1]
        yield far, ours
        await ours.close()


async def posted(ours: Lines, url: str, times: int = 1) -> list[int]:
    return [await ours.post(url, HEADERS, BODY) for _ in range(times)]


async def test_a_post_is_what_it_was_given_and_goes_where_the_address_says_letter_by_letter() -> None:
    async with far_side(OK) as (far, ours):
        await posted(ours, f"http://127.0.0.1:{far.port}/a%2Fb/%7e/../c?d=%20+%2B&e")
    head, _, body = far.requests[0].decode().partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    assert first == "POST /a%2Fb/%7e/../c?d=%20+%2B&e HTTP/1.1"
    assert body == BODY.decode()
    assert {name.lower(): value for name, _, value in (line.partition(": ") for line in headers)} == {
        "host": f"127.0.0.1:{far.port}",
        "accept": "*/*",
        "content-length": str(len(BODY)),
        **HEADERS,
    }


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (OK, 200),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", 201),
        (b"HTTP/1.1 503 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 503),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", 200),  # nobody unpacks it
    ],
)
async def test_a_connection_is_kept_for_the_next_post_when_its_answer_is_whole(answer: bytes, status: int) -> None:
    async with far_side(answer) as (far, ours):
        assert await posted(ours, far.url, 3) == [status] * 3
    assert far.connections == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_and_no_cookie_comes_back(status: int) -> None:
    async with far_side(MOVED.replace(b"307", str(status).encode())) as (far, ours):
        assert await posted(ours, far.url, 2) == [status] * 2
    assert [request.split(b" ")[1] for request in far.requests] == [b"/hook?a=b"] * 2
    assert not any(b"cookie" in request.lower() for request in far.requests)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",  # it would be taken for the next one's
        b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + bytes(ANSWER_BYTES_MAX + 1),
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok" + CLOSES,
    ],
)
async def test_a_connection_is_not_kept_when_more_could_come_on_it(answer: bytes) -> None:
    async with far_side(answer, OK) as (far, ours):
        assert await posted(ours, far.url, 2) == [200, 200]
    assert far.connections == 2


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"content-length: 10\r\n\r\nok", b""),
        (b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (b"\r\n", b"a"),
    ],
)
async def test_an_answer_whose_body_never_ends_counts_by_its_status_and_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, head: bytes, body: bytes
) -> None:
    monkeypatch.setattr(lines, "REST_LIMIT_S", 0.05)
    async with far_side(b"HTTP/1.1 200 OK\r\n" + head + body) as (far, ours):
        assert await posted(ours, far.url, 2) == [200, 200]
        assert far.connections == 2
        await far.all_closed()


async def test_of_an_answer_that_floods_little_is_read_and_then_it_is_cut_off() -> None:
    flood = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100 * 1024 * 1024)
    async with far_side(flood) as (far, ours):
        async with asyncio.timeout(lines.REST_LIMIT_S):  # not the time ends it
            assert await posted(ours, far.url) == [200]
        await far.all_closed()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-x\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * ANSWER_BYTES_MAX, "not HTTP"),
        (b"HTTP/1.1 200", "connection lost"),
        (b"", "connection lost"),
    ],
)
async def test_what_is_no_answer_says_why_and_is_not_asked_again(answer: bytes, why: str) -> None:
    async with far_side(answer + CLOSES) as (far, ours):
        with pytest.raises(Unreachable, match=why) as raised:
            await posted(ours, far.url)
    assert len(far.requests) == 1
    assert "hook" not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://a:b/", "http://2130706433x/", "http://" + "a" * 70 + ".example/"]
)
async def test_an_address_that_leads_nowhere_says_why(url: str) -> None:
    async with far_side(OK) as (_, ours):
        with pytest.raises(Unreachable, match=r"."):
            await posted(ours, url)


async def test_a_post_on_a_kept_connection_that_is_closed_is_asked_once_more_on_a_new_one() -> None:
    async with far_side(OK, CLOSES, OK, OK, CLOSES) as (far, ours):
        assert await posted(ours, far.url, 3) == [200, 200, 200]
        with pytest.raises(Unreachable):  # neither on the kept one nor on a new one
            await posted(ours, far.url)
    assert len({request.replace(b"Connection: close\r\n", b"") for request in far.requests}) == 1  # with the same id
    assert len(far.requests) == 6


async def test_a_post_is_asked_once_more_on_a_new_connection_also_where_others_are_kept() -> None:
    async with far_side(OK, OK, CLOSES, OK) as (far, ours):
        await asyncio.gather(posted(ours, far.url), posted(ours, far.url))
        assert far.connections == 2
        assert await posted(ours, far.url) == [200]
    assert (far.connections, len(far.requests)) == (3, 4)


async def test_a_post_whose_answer_had_begun_is_not_asked_again() -> None:
    async with far_side(OK, b"HTTP/1.1 20" + CLOSES) as (far, ours):
        await posted(ours, far.url)
        with pytest.raises(Unreachable):
            await posted(ours, far.url)
    assert len(far.requests) == 2


async def test_a_connection_is_never_used_for_another_name_of_the_same_address() -> None:
    """Its certificate was checked for the one name."""
    async with far_side(OK) as (far, ours):
        await posted(ours, far.url)
        await posted(ours, f"http://localhost:{far.port}/hook")
    assert far.connections == 2


async def test_a_kept_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "KEPT_S", 0.01)
    async with far_side(OK) as (far, ours):
        await posted(ours, far.url)
        await far.all_closed()


# -- where it may go -----------------------------------------------------------------------------------------------


class Names:
    """Answers for names, one after the other, the last one from then on; and says that the far side's address is of the open internet."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[list[str]] = []
        self.public = {"127.0.0.1"}
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", self._getaddrinfo)
        monkeypatch.setattr(webhooks, "is_public", lambda ip: ip in self.public or REAL_IS_PUBLIC(ip))

    async def _getaddrinfo(self, _: str, port: int, **__: Any) -> list[Any]:
        ips = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ips]


async def test_a_name_is_checked_whenever_it_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with the open internet first, and with a private address the second time."""
    names = Names(monkeypatch)
    names.answers = [["127.0.0.1"], ["127.0.0.2"]]
    async with far_side(OK + CLOSES, private=False) as (far, ours):
        url = f"http://twice.example:{far.port}/"
        assert await posted(ours, url) == [200]
        with pytest.raises(Unreachable, match="not on the open internet"):
            await posted(ours, url)
    assert far.connections == 1


async def test_the_new_connection_of_a_second_try_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    names.answers = [["127.0.0.1"], ["127.0.0.2"]]
    async with far_side(OK, CLOSES, OK, private=False) as (far, ours):
        url = f"http://twice.example:{far.port}/"
        assert await posted(ours, url) == [200]
        with pytest.raises(Unreachable, match="not on the open internet"):
            await posted(ours, url)
    assert far.connections == 1


async def test_a_name_with_one_private_address_among_others_is_not_posted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    names.answers = [["127.0.0.1", "10.0.0.1"]]
    async with far_side(OK, private=False) as (far, ours):
        with pytest.raises(Unreachable, match="not on the open internet"):
            await posted(ours, f"http://mixed.example:{far.port}/")
    assert far.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::1%25lo]",
        "localhost",
        "LOCALHOST.",
    ],
)
async def test_this_machine_is_not_posted_to_however_it_is_written(host: str) -> None:
    async with far_side(OK, private=False) as (far, ours):
        with pytest.raises(Unreachable):
            await posted(ours, f"http://{host}:{far.port}/")
    assert far.connections == 0


async def test_an_address_of_the_open_internet_is_posted_to_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch)
    async with far_side(OK + CLOSES, private=False) as (far, ours):
        assert await posted(ours, far.url) == [200]
        names.public.clear()
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 is not on the open internet"):
            await posted(ours, far.url)
    assert far.connections == 1


async def test_nothing_of_the_environment_changes_where_a_post_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with far_side(OK) as (far, ours):
        assert await posted(ours, far.url) == [200]


async def test_a_certificate_is_checked_for_the_name_and_a_connection_over_tls_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        f" -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with far_side(OK, tls=tls) as (far, stranger):
        with pytest.raises(Unreachable, match=r"cannot connect to localhost: .*certificate"):
            await posted(stranger, f"https://localhost:{far.port}/")

        monkeypatch.setattr(httpx, "create_ssl_context", lambda **_: ssl.create_default_context(cafile=certificate))
        ours = Lines(private=True)
        with pytest.raises(Unreachable, match=r"cannot connect to 127\.0\.0\.1: .*certificate"):
            await posted(ours, f"https://127.0.0.1:{far.port}/")
        assert far.connections == 0
        assert await posted(ours, f"https://localhost:{far.port}/", 3) == [200] * 3
        await ours.close()
    assert (far.connections, len(far.requests)) == (1, 3)
