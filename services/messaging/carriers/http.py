"""One HTTP request of a carrier, and whether anything of it was written.

Owns the connections, the window, the time limits and the fence just before the write; and what a status says where the carrier's own words say
nothing. Never sends a request twice, follows no redirect and knows no carrier.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
import structlog

from services.messaging.carriers.carrier import Answer, Part, Refusal, Refused, Unknown

log = structlog.get_logger()

CONNECT_LIMIT_S = 5.0
ANSWER_LIMIT_S = 10.0  # from the write on
KEPT_ALIVE_S = 3.0  # less than any server's: a connection that it closes while we write leaves a text in doubt
ANSWER_BYTES_MAX = 64 * 1024
RETRY_S, RETRY_S_MAX = 1.0, 3600.0
UNREACHABLE_S, UNREACHABLE_S_MAX = 1.0, 30.0  # between two attempts to reach it again
NOT_CONNECTED = Refused(Refusal.NOT_CONNECTED, retry_after_s=UNREACHABLE_S)
TOO_LATE = Refused(Refusal.TOO_LATE, retry_after_s=0.0)
MOVED = frozenset({301, 307, 308})  # it did nothing and names another place


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _TooLate(Exception):
    """`write_by` passed before the first byte."""


class HttpLine:
    """Requests of one carrier, at most `window` at a time. `trouble`: why the far side cannot be used, in words for people."""

    def __init__(self, name: str, window: int) -> None:
        self.trouble = ""
        self._name = name
        self._window = asyncio.Semaphore(window)
        self._closing = asyncio.Event()
        self._in_trouble = asyncio.Event()
        self._open: set[asyncio.Task[object]] = set()
        # Nothing of the environment: a proxy or a .netrc would change where a text goes, and as whom.
        # No limit of connections: the window is one, and nobody shall wait for a connection behind a query.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=window, keepalive_expiry=KEPT_ALIVE_S)
        timeout = httpx.Timeout(ANSWER_LIMIT_S, connect=CONNECT_LIMIT_S)
        self._client = httpx.AsyncClient(limits=limits, timeout=timeout, trust_env=False, follow_redirects=False)

    @property
    def usable(self) -> bool:
        return not self.trouble and not self._closing.is_set()

    async def answers(
        self, parts: Sequence[Part], submit: Callable[[Part], Awaitable[Answer]], write_by: float
    ) -> list[Answer]:
        """One answer a part, in order: `submit` is called for each that finds room in the window before `write_by`."""

        async def one(part: Part) -> Answer:
            if self._closing.is_set():
                return NOT_CONNECTED
            try:
                async with asyncio.timeout(None if write_by == math.inf else write_by - time.monotonic()):
                    await self._window.acquire()
            except TimeoutError:
                return TOO_LATE
            try:
                return await submit(part)
            finally:
                self._window.release()

        tasks = [asyncio.create_task(one(part)) for part in parts]
        self._open.update(tasks)
        try:
            return await asyncio.gather(*tasks)
        finally:
            self._open.difference_update(tasks)

    async def exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, write_by: float = math.inf
    ) -> Answered | Refused | Unknown:
        """Refused where nothing was written; Unknown where something was, and no whole answer came. Never again by itself."""
        written = False
        limit = asyncio.timeout(CONNECT_LIMIT_S + ANSWER_LIMIT_S)

        async def before_write(event: str, _: object) -> None:
            nonlocal written
            if event.endswith(".send_request_headers.started"):
                if time.monotonic() >= write_by:
                    raise _TooLate
                written = True
                limit.reschedule(asyncio.get_running_loop().time() + ANSWER_LIMIT_S)

        try:
            async with limit:
                request = self._client.build_request(
                    method, url, headers=dict(headers), content=body, extensions={"trace": before_write}
                )
                response = await self._client.send(request, stream=True)
                try:
                    answered = Answered(response.status_code, response.headers, await _whole(response))
                finally:
                    await response.aclose()
        except _TooLate:
            return TOO_LATE
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:  # TimeoutError: the limit's
            if written:
                return Unknown(f"no answer: {type(error).__name__}")
            self._cannot(f"cannot be reached: {error or type(error).__name__}")
            return NOT_CONNECTED
        self._can(answered)
        return answered

    def _can(self, answered: Answered) -> None:
        if answered.status in (401, 407):
            self._cannot(f"does not accept our credentials ({answered.status})")
        elif self.trouble:
            log.info("carrier can be used again", carrier=self._name)
            self.trouble = ""

    def _cannot(self, why: str) -> None:
        if why != self.trouble:
            log.warning("carrier cannot be used", carrier=self._name, why=why)
        self.trouble = why
        self._in_trouble.set()

    async def listen(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Until `close`: while there is trouble, asks by `probe` now and then, so that it ends without a text being tried on it."""
        pause_s = UNREACHABLE_S
        while not self._closing.is_set():
            waits = [asyncio.create_task(event.wait()) for event in (self._in_trouble, self._closing)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            self._in_trouble.clear()
            while self.trouble and not self._closing.is_set():
                try:
                    async with asyncio.timeout(pause_s * random.uniform(0.5, 1.0)):  # noqa: S311  jitter
                        await self._closing.wait()
                except TimeoutError:
                    await probe()
                    pause_s = min(2 * pause_s, UNREACHABLE_S_MAX)
            pause_s = UNREACHABLE_S

    async def close(self) -> None:
        """Each request has its time limit, so this ends."""
        self._closing.set()
        if self._open:
            await asyncio.wait(self._open)
        await self._client.aclose()


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise httpx.ReadError("the answer is too long")
    return bytes(body)


def by_status(answered: Answered, code: str | None = None) -> Refused | Unknown:
    """What a status alone says of a text, where the carrier's own words say nothing. `code`: those words.

    Surely not taken: 429 (a limit is read before the request is), any other 4xx but 408, a redirect (the request was answered with a place), and a 503 that
    says when to come again: whoever writes Retry-After declined. Unknown: 500 and 502, which a program or a proxy answers when it broke at an unknown
    place; 504 and 408, where somebody in between stopped waiting; a 503 without Retry-After, for Envoy and others answer so too when the program behind
    them hung up in the middle; and a success that cannot be read.
    """
    status = answered.status
    code = code or str(status)
    retry_after_s = _retry_after_s(answered.headers.get("retry-after"))
    if status == 429:
        return Refused(Refusal.THROTTLED, retry_after_s or RETRY_S, code)
    if status == 503 and retry_after_s is not None:
        return Refused(Refusal.BUSY, retry_after_s, code)
    if status in (401, 407):  # who may not log in is not connected: texts wait until somebody has mended it
        return Refused(Refusal.NOT_CONNECTED, UNREACHABLE_S_MAX, code)
    if status in MOVED:
        return Refused(Refusal.NOT_ALLOWED, None, code)
    if 400 <= status < 500 and status != 408:
        return Refused(Refusal.UNLISTED, None, code)
    return Unknown(f"answered {status}" + (f", {code}" if code != str(status) else ""))


def _retry_after_s(value: str | None) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:6]), RETRY_S_MAX)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), RETRY_S_MAX)
