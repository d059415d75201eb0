"""Our own surface, /v2: bearer tokens in headers, problem details (RFC 9457) with stable codes, plural nouns.

Owns what holds for every route: room for the request, the headers of each answer, the OpenAPI document. The routes are in the files beside this one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.api import (
    admin,
    approvals,
    campaign_events,
    campaign_reports,
    campaign_steps,
    campaigns,
    company,
    consents,
    credentials,
    docs,
    inbox,
    lists,
    messages,
    numbers,
    optouts,
    policies,
    previews,
    sessions,
    templates,
    textins,
    usage,
    verifications,
)
from services.gateway.api.problems import Problem, answer_problems, refuses
from services.gateway.documented import openapi

if TYPE_CHECKING:
    from services.gateway.app import Gateway

PRIVATE = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
SCHEMAS = "#/components/schemas/"
DOCUMENTED = "Documented."
DESCRIPTION = "Text messaging for businesses: /v2, whose errors are application/problem+json with a stable `code`; and /api, the documented surface."
ROUTERS = (
    sessions.router,
    credentials.router,
    company.router,
    messages.router,
    messages.bulk_router,
    previews.router,
    inbox.router,
    textins.router,
    numbers.router,
    optouts.router,
    consents.router,
    consents.bulk_router,
    policies.router,
    templates.router,
    lists.router,
    lists.bulk_router,
    lists.imports_router,
    campaigns.router,
    campaign_steps.router,
    campaign_reports.router,
    campaign_events.router,
    verifications.router,
    usage.router,
    admin.router,
    approvals.router,
    docs.router,
)


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
        """Both surfaces, with what a problem looks like and without FastAPI's own errors, which nobody is answered here."""
        if self.openapi_schema:
            return self.openapi_schema
        document: dict[str, Any] = super().openapi()
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template=SCHEMAS + "{model}")
        schemas |= problem.pop("$defs") | {"Problem": problem}
        for methods in document["paths"].values():
            for operation in methods.values():
                for param in operation.get("parameters", ()):
                    param["schema"] = _without_null(param["schema"])
                operation["responses"].pop("422", None)
                if "requestBody" in operation:
                    told = refuses("too_large", "unsupported_media_type")
                    told_too = {str(status): told[status] for status in (413, 415)}
                    operation["responses"] = dict(sorted((operation["responses"] | told_too).items()))
        theirs = _documented()
        document["paths"] |= theirs["paths"]
        schemas |= {f"{DOCUMENTED}{name}": schema for name, schema in theirs["schemas"].items()}
        return document


def _documented() -> dict[str, Any]:
    """The documented surface's part, with names of its own: both surfaces have a Folder."""
    part = json.dumps({"paths": openapi.paths(), "schemas": openapi.schemas()})
    renamed: dict[str, Any] = json.loads(part.replace(SCHEMAS, f"{SCHEMAS}{DOCUMENTED}"))
    return renamed


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is not there is not null: neither a query nor a header can say so."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | kinds[0]


def v2(gateway: Gateway) -> FastAPI:
    app = Surface(
        title="Heliograph",
        version="2",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admitted)],
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,
        strict_content_type=False,
    )
    app.state.gateway = gateway
    app.state.methods = _methods()
    app.add_middleware(Private)
    answer_problems(app)
    for router in ROUTERS:
        app.include_router(router)
    return app


def _methods() -> dict[str, list[str]]:
    """What may be asked of each path."""
    by_path: dict[str, set[str]] = {}
    for router in ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                by_path.setdefault(route.path, set()).update(route.methods or ())
    return {path: sorted(methods) for path, methods in by_path.items()}
