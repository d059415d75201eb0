"""Our own surface, /v2: bearer tokens in headers, problem details (RFC 9457) with stable codes, plural nouns.

Owns what holds for every route: room for the request, the headers of each answer, the OpenAPI document. The routes are in the files beside this one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api import admin, campaigns, lists, messages, sessions
from services.gateway.api.problems import Problem, answer_problems

if TYPE_CHECKING:
    from services.gateway.app import Gateway

PRIVATE = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
DESCRIPTION = "Text messaging for businesses. Errors are application/problem+json; their `code` is stable."
PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What is wrong, by `code`.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}


async def admitted(request: Request) -> AsyncIterator[None]:
    gateway: Gateway = request.app.state.gateway
    async with gateway.admitted():
        yield


class Private:
    """Puts the headers that every answer of ours carries on it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *PRIVATE]
            await send(message)

        await self._app(scope, receive, send_private)


class Surface(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """The routes' document, with what a problem looks like: FastAPI would call it application/json."""
        document = super().openapi()
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= problem.pop("$defs") | {"Problem": problem}
        return document


def v2(gateway: Gateway) -> FastAPI:
    app = Surface(
        title="Heliograph",
        version="2",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admitted)],
        responses=PROBLEM,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.gateway = gateway
    app.add_middleware(Private)
    answer_problems(app)
    for routes in (sessions, messages, lists, campaigns, admin):
        app.include_router(routes.router)
    app.include_router(lists.imports_router)
    return app
