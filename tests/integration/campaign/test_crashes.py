"""The process dies where it hurts most, as `kill -9` would: the next one goes on, hands nothing over twice and leaves nobody out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from libs.common import clock
from libs.common.contracts.base import PAGE_MAX
from libs.common.contracts.campaign import CampaignState, ReadCampaignBooks, RecipientsHandedOver
from libs.common.db import migrator
from libs.common.service import Process
from services.campaign.__main__ import SERVICE
from tests.harness import PUBLIC_KEY, Client, eventually, heard, running
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    all_handed_over,
    launched,
    new_list,
    number,
    progress,
    provision,
    tell_ends,
    value,
)

DIED = 137
COUNT = PAGE_MAX + 1_000  # two pages, three turns of the hand-over


@asynccontextmanager
async def process_that_dies(infra: Infra, dsn: str, at: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m services.campaign`, killed by itself at crash point `at`."""
    settings = {
        "HELIOGRAPH_MODE": "development",
        "HELIOGRAPH_DATABASE_URL": dsn,
        "HELIOGRAPH_BROKER_URL": infra.broker_url("campaign"),
        "HELIOGRAPH_GRANT_PUBLIC_KEY": PUBLIC_KEY,
        "HELIOGRAPH_CRASH_AT": at,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.campaign", env=os.environ | settings, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def its_time_comes(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE campaigns SET starts_at = now()")
    await connection.close()


@pytest.mark.parametrize(
    "at",
    ["freeze.committed:1", "freeze.committed:2", "hand_over.committed:1", "hand_over.committed:3"],
)
async def test_a_campaign_survives_the_death_of_its_process(
    infra: Infra, phonelist: Process, gateway: Client, console: Client, auth: Client, messaging: Client, at: str
) -> None:
    dsn = infra.create_database("campaign")
    try:
        await migrator.migrate(dsn, "campaign")
        async with running(infra, SERVICE, dsn=dsn) as process:
            company_id = await provision(process, auth)
            list_id = await new_list(gateway, company_id, [number(n) for n in range(COUNT)])
            id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
        await its_time_comes(dsn)
        async with heard(infra, RecipientsHandedOver) as windows:
            async with process_that_dies(infra, dsn, at) as dying:
                assert await asyncio.wait_for(dying.wait(), 30) == DIED
            async with running(infra, SERVICE, dsn=dsn) as process:
                # The dead one's lease on the campaign, which would last some seconds.
                free = "UPDATE campaigns SET freeze_again_at = now() WHERE id = $1 RETURNING id"
                await value(process, free, id_)
                recipients = await all_handed_over(windows, id_, COUNT)  # type: ignore[arg-type]
                assert [recipient.number for recipient in recipients] == [number(n) for n in range(COUNT)]
                await tell_ends(messaging, company_id, id_, recipients)

                async def finished() -> bool:
                    return (await progress(gateway, company_id, id_)).state is CampaignState.FINISHED

                await eventually(finished)
                assert (await console.ask(ReadCampaignBooks())).faults == []
    finally:
        infra.drop_database(dsn)
