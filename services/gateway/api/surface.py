"""Our own surface, /v2: bearer tokens in headers, problem details (RFC 9457) with stable codes, plural nouns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

if TYPE_CHECKING:
    from services.gateway.app import Gateway


def v2(gateway: Gateway) -> FastAPI:
    app = FastAPI(title="Heliograph", version="2", docs_url=None, redoc_url=None)
    app.state.gateway = gateway
    return app
