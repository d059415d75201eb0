"""Carriers' callbacks, at /callbacks/{carrier}/{rest}: passed on as they came, answered as messaging says.

Owns the size of a request and the words of a refusal. Knows no carrier and proves nothing: messaging does, and stores it before the answer.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from libs.common.bus.ask import Unanswered
from libs.common.clock import now
from libs.common.contracts.base import Code, Refusal
from libs.common.contracts.carriers import TakeCallback

if TYPE_CHECKING:
    from services.gateway.app import Gateway

PREFIX = "/callbacks/"
PATH = re.compile(rb"/callbacks/([a-z0-9][a-z0-9-]{0,31})/([\x21-\x7e]{1,200})")
METHODS = ("GET", "POST")
BODY_BYTES_MAX = 64 * 1024
AGAIN_AFTER_S = 5
DEADLINE_S = 8.0  # carriers wait for 10 to 15 s
STATUSES = {Code.NOT_FOUND: 404, Code.PERMISSION_DENIED: 403, Code.INVALID_REQUEST: 400}

Headers = list[tuple[bytes, bytes]]


class Callbacks:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope["raw_path"]
        found = PATH.fullmatch(raw_path)
        if found is None:
            await _answer(send, 404)
        elif scope["method"] not in METHODS:
            await _answer(send, 405, [(b"allow", ", ".join(METHODS).encode())])
        elif (body := await _body(receive, scope)) is None:
            await _answer(send, 413, [(b"connection", b"close")])
        else:
            await self._pass_on(scope, found[1].decode(), found[2].decode(), body, send)

    async def _pass_on(self, scope: Scope, carrier: str, path: str, body: bytes, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        url = f"{scope['scheme']}://{headers.get('host', '')}{scope['raw_path'].decode()}"
        if query := scope["query_string"].decode("latin-1"):
            url += f"?{query}"
        ask = TakeCallback(
            carrier=carrier,
            method=scope["method"],
            url=url,
            path=path,
            headers=headers,
            body_base64=base64.b64encode(body).decode(),
            at=now(),
        )
        try:
            async with self._gateway.admitted():
                told = await self._gateway.asker.ask(ask, deadline_s=DEADLINE_S)
        except Unanswered:
            await _answer(send, 503, [(b"retry-after", b"%d" % AGAIN_AFTER_S)])
        except Refusal as refusal:
            status = STATUSES.get(refusal.code, 503)
            await _answer(send, status, [(b"retry-after", b"%d" % AGAIN_AFTER_S)] if status == 503 else [])
        else:
            content_type = [(b"content-type", told.content_type.encode("latin-1"))] if told.content_type else []
            await _answer(send, told.status, content_type, told.body.encode())


async def _body(receive: Receive, scope: Scope) -> bytes | None:
    """None where it is, or says that it will be, too large."""
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not length.isdigit() or int(length[:10]) > BODY_BYTES_MAX:
        return None
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


async def _answer(send: Send, status: int, headers: Headers | None = None, body: bytes = b"") -> None:
    """A refusal says nothing but its status: whoever calls without proof learns nothing here."""
    told: Headers = [(b"cache-control", b"no-store"), *(headers or [])]
    if status != 204:
        told.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if status == 204 else body})
