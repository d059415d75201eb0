"""Connections to webhooks, by aiohttp: one request at a time on each, kept for the next one to the same name.

Owns the connections. Never connects to an address that is not of the open internet, however it came, unless the operator allows it: a name is checked
whenever it is resolved, what is connected to is checked again. Follows no redirect, keeps no cookie, heeds nothing of the environment.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from types import SimpleNamespace

import aiohttp
import httpx
from aiohttp.abc import ResolveResult
from yarl import URL

from services.inbound.textins import webhooks

KEPT_S = 3.0  # less than most servers': what they close while we write has to be asked again
ANSWER_BYTES_MAX = 64 * 1024  # of a body
REST_LIMIT_S = 1.0  # for what follows the head of an answer; then the connection is not kept


class Unreachable(Exception):
    """Why a post was not made, or has no answer."""


class Lines:
    """`private`: addresses that are not of the open internet are connected to as well. To be made where a loop runs."""

    def __init__(self, *, private: bool) -> None:
        tls = httpx.create_ssl_context(trust_env=False)  # authorities as for whatever else Heliograph asks
        tls.set_alpn_protocols(["http/1.1"])
        self._session = _session(tls, private, kept_s=KEPT_S)
        self._anew = _session(
            tls, private, kept_s=None
        )  # one session gives no way to ask on a new connection where one is kept

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; its body is thrown away. Has no time limit of its own. Raises Unreachable.

        A connection that was kept and is closed as we write says nothing about the far side: asked once more on a new one.
        """
        try:
            to, seen = URL(url, encoded=True), SimpleNamespace(reused=False)
            try:
                return await _ask(self._session, to, headers, body, seen)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if not seen.reused or _had_begun_to_answer(error):
                    raise
            return await _ask(self._anew, to, headers, body, seen)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(_why(error)) from error

    async def close(self) -> None:
        await self._session.close()
        await self._anew.close()


def _session(tls: ssl.SSLContext, private: bool, *, kept_s: float | None) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,  # whoever posts has a limit of his own; nobody shall wait for a connection behind a webhook that does not answer
        use_dns_cache=False,
        resolver=aiohttp.ThreadedResolver() if private else _OpenInternet(),
        socket_factory=None if private else _socket_to_the_open_internet,
        ssl=tls,
        keepalive_timeout=kept_s,
        force_close=kept_s is None,
    )
    reused = aiohttp.TraceConfig()
    reused.on_connection_reuseconn.append(_note_reused)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None),  # the caller's
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=["accept-encoding"],
        auto_decompress=False,
        trust_env=False,
        read_bufsize=ANSWER_BYTES_MAX,
        trace_configs=[reused],
    )


async def _ask(session: aiohttp.ClientSession, to: URL, headers: Mapping[str, str], body: bytes, seen: object) -> int:
    response = await session.post(to, headers=headers, data=body, allow_redirects=False, trace_request_ctx=seen)
    try:
        if not response.content.is_eof():
            await _read_away(response.content)
    finally:
        if response.connection is not None and response.connection.transport is not None:
            response.connection.transport.abort()  # more would come; a polite end of TLS would wait for it
        response.close()
    return response.status


async def _read_away(content: aiohttp.StreamReader) -> None:
    """Waits for the rest of the answer for a little: only then can the connection be kept."""
    got = 0
    try:
        async with asyncio.timeout(REST_LIMIT_S):
            while got <= ANSWER_BYTES_MAX and (chunk := await content.readany()):
                got += len(chunk)
    except (TimeoutError, aiohttp.ClientError):
        return


async def _note_reused(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.reused = True


class _OpenInternet(aiohttp.ThreadedResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if not webhooks.all_public(one["host"] for one in found):
            raise OSError(f"{host} is not on the open internet")
        return found


def _socket_to_the_open_internet(to: aiohttp.AddrInfoType) -> socket.socket:
    """A host that is an address never comes to the resolver; some forms of one (127.1) only the system reads: those are refused."""
    family, kind, protocol, _, (ip, *_) = to
    try:
        public = webhooks.is_public(str(ip))
    except ValueError:
        public = False
    if not public:
        raise OSError(f"{ip} is not on the open internet")
    return socket.socket(family, kind, protocol)


def _had_begun_to_answer(error: aiohttp.ClientError) -> bool:
    """aiohttp hands over what it had of a head when the far side closed."""
    return isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str)


def _why(error: Exception) -> str:
    """In words for people. The library's would hold the whole URL, or the far side's bytes."""
    match error:
        case aiohttp.InvalidURL():
            return "this is no address that can be connected to"
        case aiohttp.ClientConnectorError():
            return f"cannot connect to {error.host}: {error.__cause__}"
        case aiohttp.ServerDisconnectedError():
            return "connection lost: closed by the far side"
        case aiohttp.ClientResponseError():
            return f"its answer is not HTTP: {error.message.partition(chr(10))[0][:200]}"
        case _:
            return str(error) or type(error).__name__
