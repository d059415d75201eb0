"""How strictly a request is read: size, media type, names in the query and in JSON. What is too large is refused while it comes in, before it is held.

Owns what FastAPI would let pass: a name that no route has or that comes twice, NaN, a form. What a field may hold is in inputs.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive

BODY_BYTES_MAX = 64 * 1024  # the longest text and every other field fit twenty times over
BULK_BYTES_MAX = 4 << 20  # 500 of the longest texts, were every character four bytes long


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


class StrictRequest(Request):
    """A request whose JSON says each thing once."""

    async def json(self) -> Any:
        try:
            return json.loads(await self.body(), object_pairs_hook=_each_once, parse_constant=_no_number)
        except RecursionError:
            raise HTTPException(400, "The body is nested too deep.") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    each = dict(pairs)
    if len(each) != len(pairs):
        raise HTTPException(400, "An object in the body has the same name twice.")
    return each


def _no_number(name: str) -> Any:
    raise HTTPException(400, f"{name} is no number in JSON.")


class SmallBody(APIRoute):
    """A route whose body, if it has one, is one small JSON document, and whose query has the declared names, each once."""

    bytes_max = BODY_BYTES_MAX

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        known = {field.alias for field in self.dependant.query_params}

        async def handle_strictly(request: Request) -> Response:
            _check_method(request)
            _check_query(request, known)
            if self.body_field is not None:
                _check_media_type(request)
            return await handle(StrictRequest(request.scope, limited(request.receive, self.bytes_max)))

        return handle_strictly


class BulkBody(SmallBody):
    """A route whose body is a JSON document of up to 500 items."""

    bytes_max = BULK_BYTES_MAX


def _check_method(request: Request) -> None:
    """What is a path of its own, such as /v2/messages/batches, is nobody's id, whatever the method."""
    own: Mapping[str, list[str]] = request.app.state.methods
    if request.method not in own.get(request.url.path, [request.method]):
        raise HTTPException(405)


def _check_query(request: Request, known: Collection[str]) -> None:
    names = [name for name, _ in request.query_params.multi_items()]
    wrong = [(name, "there is no such parameter here") for name in names if name not in known]
    wrong += [(name, "it is given more than once") for name in known if names.count(name) > 1]
    if wrong:
        raise RequestValidationError([{"loc": ("query", name), "msg": sentence} for name, sentence in wrong])


def _check_media_type(request: Request) -> None:
    """None at all is taken for JSON."""
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if not re.fullmatch(r"application/([^/\s]+\+)?json", media_type):
        raise HTTPException(415, "Send application/json.")
