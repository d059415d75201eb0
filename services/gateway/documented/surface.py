"""The documented surface as an ASGI app: match, read, ask, answer, for all operations alike.

Owns HTTP's side of it: methods, limits, statuses, headers. A refusal of a service is a documented status in a 200; what cannot be read or routed is
HTTP's own error. Nothing that a client sends is answered 500. Tokens stand in documented URLs: no answer may be stored or referred from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

import structlog
from starlette.types import Receive, Scope, Send

from libs.common.bus import Unanswered
from libs.common.contracts.base import Code, Refusal
from services.gateway.documented import help as help_pages
from services.gateway.documented.call import Call, Pages
from services.gateway.documented.handlers import HANDLERS
from services.gateway.documented.operation import Operation
from services.gateway.documented.shapes import Model
from services.gateway.documented.statuses import Status
from services.gateway.formats.answers import ListAnswer, render, render_error
from services.gateway.formats.bodies import read_body
from services.gateway.formats.negotiation import FORMATS, negotiate
from services.gateway.formats.paths import Matched, NotFound, WrongMethod, match
from services.gateway.formats.values import BadRequest

if TYPE_CHECKING:
    from services.gateway.app import Gateway

log = structlog.get_logger()

RETRY_AFTER_S = "2"
READ_ASIDE_BYTES = 256 * 1024
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-content-type-options": "nosniff"}
WORLDS_FAULT = (Code.UNAVAILABLE, Code.DEADLINE_PASSED)


class Documented:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer(send, negotiate(_header(scope, b"accept")))
        path = scope["path"].rstrip("/").lower()
        if path in ("", "/help") or path.startswith("/help/api/"):
            await _help(scope["path"], answer)
            return
        try:
            await self._serve(scope, receive, answer)
        except Exception as error:
            if answer.begun:
                raise  # the connection is cut: never a well-formed short list
            await self._failed(error, answer)

    @staticmethod
    async def _failed(error: Exception, answer: _Answer) -> None:
        match error:
            case BadRequest():
                await answer.error(error.status, error.message, error.detail)
            case Unanswered():
                # Done or not done: the id says what to look for, and asking again with it is safe.
                headers = {"retry-after": RETRY_AFTER_S, "x-message-id": str(error.id)}
                await answer.error(504, "The answer did not come in time.", "It may have been done.", headers)
            case _:
                log.error("request_failed", operation=answer.route, exc_info=error)
                await answer.error(500, "An error has occurred.")

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        matched = match(scope["method"], scope["raw_path"], scope["query_string"])
        if isinstance(matched, NotFound):
            await answer.error(404, "No HTTP resource was found that matches the request URI.")
        elif isinstance(matched, WrongMethod):
            headers = {"allow": ", ".join(matched.allowed)}
            await answer.error(
                405, f"The requested resource does not support http method '{scope['method']}'.", "", headers
            )
        else:
            await self._call(matched, scope, receive, answer)

    async def _call(self, matched: Matched, scope: Scope, receive: Receive, answer: _Answer) -> None:
        operation = matched.operation
        answer.route = operation.route
        body = await _body(receive, operation.body_bytes_max, _header(scope, b"content-length"))
        given = (operation, _header(scope, b"content-type"), body, scope["query_string"])
        # An import of 100,000 entries takes a second to read: that must not stop everyone else's requests.
        read = read_body(*given) if len(body) < READ_ASIDE_BYTES else await asyncio.to_thread(read_body, *given)
        values = matched.params | read
        call = Call(self._gateway, values)
        try:
            async with self._gateway.admitted():
                if _needs_session(operation):
                    call.session = await self._gateway.sessions.of(call.text("SessionToken"))
                result = await HANDLERS[operation.name](call)
                if isinstance(result, Pages):
                    await answer.stream(operation, result.pages, call.headers)
                else:
                    await answer.whole(operation, Status.Success, result, call.headers)
        except Refusal as refusal:
            if answer.begun:
                raise
            if refusal.code in WORLDS_FAULT:
                headers = call.headers | {"retry-after": RETRY_AFTER_S}
                await answer.error(503, "The service is unavailable. Try again later.", refusal.detail, headers)
            else:
                assert operation.answer.statuses is not None, operation.route
                why = refusal.detail if operation.tells_why else None
                await answer.whole(operation, operation.answer.statuses.status_of(refusal.code), why, call.headers)


class _Answer:
    """What is answered, in the format the client wants. `route`: of the operation that was asked, for the log."""

    def __init__(self, send: Send, media_type: str) -> None:
        self._send = send
        self._media_type = media_type
        self._format = FORMATS[media_type]
        self.begun = False
        self.route = ""

    async def whole(self, operation: Operation, status: Status, result: object, headers: dict[str, str]) -> None:
        if operation.answer.shape is None:
            await self._start(204, headers)
            await self._send({"type": "http.response.body"})
        else:
            await self.body(200, render(self._format, operation, status, result), self._media_type, headers)

    async def error(self, status: int, message: str, detail: str = "", headers: dict[str, str] | None = None) -> None:
        await self.body(status, render_error(self._format, message, detail), self._media_type, headers or {})

    async def body(self, status: int, body: bytes, media_type: str, headers: dict[str, str]) -> None:
        told = {"content-type": f"{media_type}; charset=utf-8", "content-length": str(len(body))}
        await self._start(status, told | headers)
        await self._send({"type": "http.response.body", "body": body})

    async def stream(self, operation: Operation, pages: AsyncIterator[list[object]], headers: dict[str, str]) -> None:
        """Two pages are there before the status goes out; after that a failure can only cut the connection. One page is a whole answer."""
        first: list[object] = await anext(pages, [])
        second: list[object] | None = await anext(pages, None)
        answer = ListAnswer(self._format, operation)
        begin = answer.head + answer.items(first)
        if second is None:
            await self.body(200, begin + answer.tail, self._media_type, headers)
            return
        await self._start(200, {"content-type": f"{self._media_type}; charset=utf-8"} | headers)
        await self._part(begin + answer.items(second))
        async for page in pages:
            await self._part(answer.items(page))
        await self._send({"type": "http.response.body", "body": answer.tail})

    async def _part(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        self.begun = True
        wire = [(name.encode(), value.encode()) for name, value in (PRIVATE | headers).items()]
        await self._send({"type": "http.response.start", "status": status, "headers": wire})


async def _help(path: str, answer: _Answer) -> None:
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    page = help_pages.page_of(segments[2]) if len(segments) == 3 else help_pages.index()
    if page is None:
        await answer.error(404, "There is no such help page.")
    else:
        await answer.body(200, page.encode(), "text/html", {})


async def _body(receive: Receive, bytes_max: int, length: str) -> bytes:
    """The whole body; refused with 413 as soon as it is, or says that it will be, too large."""
    chunks, size = [], 0
    too_large = BadRequest(413, "The request is too large.", f"At most {bytes_max} bytes are accepted.")
    if length.isdecimal() and len(length) < 20 and int(length) > bytes_max:
        raise too_large
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest(400, "The request is incomplete.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > bytes_max:
            raise too_large
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _needs_session(operation: Operation) -> bool:
    in_body = isinstance(operation.body, Model) and any(f.name == "SessionToken" for f in operation.body.fields)
    return in_body or any(param.name == "SessionToken" for param in operation.path_params)


def _header(scope: Scope, name: bytes) -> str:
    return ", ".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
