"""The figure of verifications: a code sent by /v2, read from the network's own log as the handset got it, and checked by /v2.

Each function does one run, as those of figures.py do. Owns nothing: the fleet and the looking are given.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import orjson

from tests.bench.figures import LIMIT_S, LOOK_EVERY_S, Run, World, quiet
from tests.bench.load import Connection, post
from tests.bench.machine import quantile

TEXT = "{code} is your code"
CODE_CHARACTERS = 6
UNLIMITED = ("10000000", "1")  # sends, seconds: the limits are not what is measured


def _post(world: World, path: str, fields: dict[str, str]) -> bytes:
    return post(f"/v2/verifications{path}", orjson.dumps(fields), token=world.token)


class Handsets:
    """The codes that arrived, by the text's id, which is the verification's."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._codes: dict[str, str] = {}
        world.new_submits()

    async def look(self, until: asyncio.Event) -> None:
        while not until.is_set():
            for entry in self._world.new_submits():
                self._codes[entry["own_ref"]] = entry["text"][:CODE_CHARACTERS]
            await asyncio.sleep(LOOK_EVERY_S)

    async def code_of(self, id_: str) -> str:
        give_up = time.monotonic() + LIMIT_S
        while id_ not in self._codes:
            assert time.monotonic() < give_up, f"{id_} came to no handset"
            await asyncio.sleep(LOOK_EVERY_S)
        return self._codes.pop(id_)


def send_and_check(clients: int) -> Callable[[World, int], Awaitable[Run]]:
    """Each client asks for a code, waits for it as a person would, and gives it back at once."""

    async def run(world: World, count: int) -> Run:
        for scope in ("prefix", "company"):
            await asyncio.to_thread(world.fleet.console, "verification", "limit", "Demo", scope, *UNLIMITED)
        numbers, handsets, over = iter(world.new_numbers(count)), Handsets(world), asyncio.Event()
        sent_ms: list[float] = []
        checked_ms: list[float] = []

        async def client(connection: Connection) -> None:
            for number in numbers:
                begun = time.monotonic()
                send = _post(world, "", {"to": f"+{number}", "from": "82830", "text": TEXT})
                id_ = orjson.loads((await connection.ask(send))[1])["id"]
                sent_ms.append((time.monotonic() - begun) * 1000)
                code = await handsets.code_of(id_)
                begun = time.monotonic()
                _, answer = await connection.ask(_post(world, f"/{id_}/check", {"code": code}))
                checked_ms.append((time.monotonic() - begun) * 1000)
                assert orjson.loads(answer)["result"] == "approved", answer

        looking = asyncio.create_task(handsets.look(over))
        begun = time.monotonic()
        async with world.connections(clients) as connections:
            await asyncio.gather(*(client(connection) for connection in connections))
        took_s = time.monotonic() - begun
        over.set()
        await looking
        await quiet(world)
        return Run(
            count,
            {
                "codes sent and checked a second": count / took_s,
                "send, p50 ms": quantile(sent_ms, 50),
                "send, p99 ms": quantile(sent_ms, 99),
                "check, p50 ms": quantile(checked_ms, 50),
                "check, p99 ms": quantile(checked_ms, 99),
            },
        )

    return run
