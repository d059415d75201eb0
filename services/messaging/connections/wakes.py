"""Wake-ups from the processes that queue texts to those that hold binds: by NOTIFY, together and at most every EVERY_S. Hints; the polls are the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from libs.common.db import AWAY, Database

log = structlog.get_logger()

EVERY_S = 0.02  # a NOTIFY on every commit cut commits from 7,500 to 2,200 a second (design, 5)
RETRY_S = 1.0
CHANNEL = "texts_wait"


class Wakes:
    def __init__(self, db: Database, woken: Callable[[set[str]], None]) -> None:
        self._db = db
        self._woken = woken
        self._names: set[str] = set()
        self._some = asyncio.Event()

    def tell(self, names: set[str]) -> None:
        """After a commit: what it queued, for carriers that another process may hold."""
        there = {name for name in names if ":" in name and not name.endswith((":0", ":1"))}
        if there:
            self._names |= there
            self._some.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            names, self._names = self._names, set()
            try:
                async with self._db.reading() as tx:
                    for name in sorted(names):
                        await tx.execute("SELECT pg_notify($1, $2)", CHANNEL, name)
            except AWAY as error:
                log.info("not_told", error=repr(error))
            await asyncio.sleep(EVERY_S)

    async def listen(self) -> None:
        """On a connection of its own: a pool's reset drops LISTEN."""
        while True:
            try:
                await self._listen()
            except AWAY as error:
                log.info("not_listening", error=repr(error))
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        connection = await self._db.direct()
        try:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(CHANNEL, lambda *heard: self._woken({str(heard[3])}))
            await gone.wait()
        finally:
            connection.terminate()
