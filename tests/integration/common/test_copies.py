"""Copies side by side, and a message that kills its process. The module's own toy does not run here: it would share in both."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from libs.common.db import migrator
from libs.common.ids import uuid7
from tests.harness import PUBLIC_KEY, client, eventually, running
from tests.infra import Infra
from tests.integration.common.conftest import GRANT
from tests.integration.common.dead_letters import dead_letters
from tests.integration.common.toy import TABLE, TOY, Count, Counted


async def test_two_copies_apply_each_event_once_and_one_relay_leads(infra: Infra) -> None:
    dsn = infra.create_database("phonelist")
    await migrator.migrate(dsn, "phonelist")
    async with running(infra, TOY, dsn=dsn) as one, running(infra, TOY, dsn=dsn), client(infra, "gateway") as gateway:
        assert one.db is not None
        async with one.db.transaction() as tx:
            await tx.execute(TABLE)
        await asyncio.gather(*(gateway.ask(Count(what=f"thing {n % 10}"), GRANT) for n in range(200)))

        async def all_heard() -> bool:
            async with one.db.reading() as tx:  # type: ignore[union-attr]
                return bool(await tx.fetchval("SELECT sum(times) FROM counted WHERE what LIKE 'heard%'") == 200)

        await eventually(all_heard)
        async with one.db.reading() as tx:
            assert await tx.fetchval("SELECT count(*) FROM relay") == 1
            assert await tx.fetchval("SELECT count(*) FROM outbox") == 0
    infra.drop_database(dsn)


@asynccontextmanager
async def toy_processes(dsn: str, infra: Infra) -> AsyncIterator[list[int]]:
    """One copy of the toy as a real process, started again each time it dies; the exit codes so far."""
    codes: list[int] = []
    environment = {
        **os.environ,
        "HELIOGRAPH_MODE": "development",
        "HELIOGRAPH_BROKER_URL": infra.broker_url("phonelist"),
        "HELIOGRAPH_DATABASE_URL": dsn,
        "HELIOGRAPH_GRANT_PUBLIC_KEY": PUBLIC_KEY,
    }
    running_now: list[asyncio.subprocess.Process] = []

    async def keep() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.integration.common.toy", env=environment, stdout=asyncio.subprocess.DEVNULL
            )
            running_now[:] = [process]
            codes.append(await process.wait())

    keeping = asyncio.create_task(keep())
    try:
        yield codes
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        for process in running_now:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_a_message_that_kills_its_process_takes_no_neighbour_along(infra: Infra) -> None:
    dsn = infra.create_database("phonelist")
    await migrator.migrate(dsn, "phonelist")
    killer = uuid7()
    neighbours = [uuid7() for _ in range(20)]
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    async with client(infra, "phonelist") as owner, toy_processes(dsn, infra) as codes:
        for n, id_ in enumerate(neighbours):
            await owner.publish(
                Counted(company_id=1, what="kill" if n == 5 else "neighbour"), killer if n == 5 else id_
            )

        async def given_up() -> bool:
            return str(killer) in await dead_letters(infra)

        async def all_heard() -> bool:
            return bool(await connection.fetchval("SELECT times FROM counted WHERE what = 'heard neighbour'") == 19)

        await eventually(given_up, within_s=60)
        await eventually(all_heard, within_s=60)
        dead = await dead_letters(infra)
    await connection.close()
    assert dead[str(killer)].startswith("killer: its process died")
    assert set() == {str(id_) for id_ in neighbours} & set(dead)
    assert {9} == set(codes)
    infra.drop_database(dsn)
