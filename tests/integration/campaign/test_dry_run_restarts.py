"""A dry run whose forecaster is killed. Runs its own copies: no other may answer in their stead."""

from __future__ import annotations

import asyncio

import pytest

from libs.common.contracts.campaign import BeginDryRun
from libs.common.contracts.phonelist import Entry
from libs.common.db import migrator
from libs.common.service import Process
from services.campaign.__main__ import SERVICE
from tests.harness import Client, running
from tests.infra import Infra
from tests.integration.campaign.conftest import new_campaign, provision, sender, value
from tests.integration.campaign.real_messaging import ended, known_to_messaging, real_messaging
from tests.integration.campaign.test_crashes import DIED, process_that_dies
from tests.integration.campaign.test_freezing import list_of
from tests.integration.simulator.process import simulator_process

COUNT = 4_500  # three rounds


@pytest.mark.parametrize("at", ["freeze.committed:1", "forecast.committed:1", "forecast.committed:3"])
async def test_a_dry_run_survives_the_death_of_its_process_and_counts_nobody_twice(
    infra: Infra,
    phonelist: Process,
    gateway: Client,
    auth: Client,
    tmp_path_factory: pytest.TempPathFactory,
    at: str,
) -> None:
    dsn = infra.create_database("campaign")
    try:
        await migrator.migrate(dsn, "campaign")
        async with (
            simulator_process(tmp_path_factory.mktemp("far_side")) as far_side,
            real_messaging(infra, far_side) as messaging,
        ):
            async with running(infra, SERVICE, dsn=dsn) as process:
                company_id = await provision(process, auth)
                await known_to_messaging(messaging, company_id)
                entries = [Entry(phone_number=f"+44770{n:07d}") for n in range(COUNT)]
                id_ = await new_campaign(gateway, company_id, await list_of(gateway, company_id, entries))
            async with process_that_dies(infra, dsn, at) as dying:
                await gateway.ask(BeginDryRun(campaign_id=id_), sender(company_id))
                assert await asyncio.wait_for(dying.wait(), 30) == DIED
            async with running(infra, SERVICE, dsn=dsn) as process:
                # The dead one's lease, which would last half a minute.
                free = "UPDATE campaigns SET freeze_again_at = now() WHERE dry_run_of = $1 RETURNING id"
                await value(process, free, id_)
                run = await ended(gateway, company_id, id_)

                assert (run.state, run.recipients, run.forecast, run.would_get) == ("done", COUNT, COUNT, COUNT)
                assert run.by_parts == {1: COUNT}
    finally:
        infra.drop_database(dsn)
