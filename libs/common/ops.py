"""The operators' port of a process: /health/live, /health/ready (saying what it lacks), /metrics. Also serves the gateway's and simulator's HTTP.

Liveness looks at nothing but the loop: an outage of the broker must not restart every process. Port 0 is any free one, told in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

log = structlog.get_logger()


async def _starting() -> list[str]:
    return ["it is starting"]


class Health:
    """`lacks` answers what readiness is missing; none: ready."""

    def __init__(self) -> None:
        self.lacks: Callable[[], Awaitable[list[str]]] = _starting


def app(health: Health) -> Starlette:
    async def live(_: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(_: Request) -> Response:
        lacks = await health.lacks()
        return JSONResponse({"ready": not lacks, "lacks": lacks}, status_code=503 if lacks else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/health/live", live), Route("/health/ready", ready), Route("/metrics", metrics)])


@asynccontextmanager
async def serve(health: Health, host: str, port: int) -> AsyncIterator[None]:
    async with serve_http(app(health), host, port):
        yield


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process decides when it stops."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Once a second, for the Date header: uvicorn's own looks ten times whether it should end, in every process of an idle platform."""
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._stopping.wait()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator there, any context here
        return nullcontext()


@asynccontextmanager
async def serve_http(http_app: Any, host: str, port: int, drain_s: float = 5.0) -> AsyncIterator[int]:
    """Serves an ASGI app beside what else the process does; gives the port. Requests in hand at the end get `drain_s`."""
    config = uvicorn.Config(
        http_app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # documented URLs carry session tokens
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=int(drain_s),
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=64 * 1024,
        backlog=1024,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            raise SystemExit(f"cannot listen on {host}:{port}: is the port taken?")
        await asyncio.sleep(0.01)
    bound: int = server.servers[0].sockets[0].getsockname()[1]
    log.info("listening", host=host, port=bound)
    try:
        yield bound
    finally:
        server.stop()
        await asyncio.gather(task, return_exceptions=True)
