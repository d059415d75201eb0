"""Limits of what a client may send, kept while it comes in: what is too large is refused before it is held."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

BODY_BYTES_MAX = 64 * 1024  # the longest text and every other field fit twenty times over


def limited(receive: Receive, bytes_max: int) -> Receive:
    """`receive`, raising 413 once more than `bytes_max` of body came."""
    size = 0

    async def receive_some() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > bytes_max:
            raise HTTPException(413, f"At most {bytes_max} bytes are accepted.")
        return message

    return receive_some


class SmallBody(APIRoute):
    """A route whose body is one small JSON document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_small(request: Request) -> Response:
            return await handle(Request(request.scope, limited(request.receive, BODY_BYTES_MAX)))

        return handle_small
