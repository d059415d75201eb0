"""The doors: which surface a request is for. /v2, /docs and the OpenAPI document are our own, /callbacks is the carriers'; /Help and all else are the
documented one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from services.gateway.api.surface import v2
from services.gateway.callbacks import PREFIX, Callbacks
from services.gateway.documented.surface import Documented

if TYPE_CHECKING:
    from services.gateway.app import Gateway

OURS = ("/v2", "/docs", "/openapi.json")


class Doors:
    def __init__(self, gateway: Gateway) -> None:
        self._documented = Documented(gateway)
        self._v2 = v2(gateway)
        self._callbacks = Callbacks(gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(PREFIX):
            await self._callbacks(scope, receive, send)
            return
        ours = scope["path"] in OURS or scope["path"].startswith("/v2/")
        await (self._v2 if ours else self._documented)(scope, receive, send)
