"""phonelist goes away and comes back. Runs its own copies: no other may answer or hear in their stead."""

from __future__ import annotations

from datetime import timedelta

import pytest

from libs.common import clock
from libs.common.contracts.campaign import CampaignState, RecipientsHandedOver
from libs.common.db import migrator
from services.campaign.__main__ import SERVICE
from services.campaign.freezing import loop, store
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import Client, eventually, running
from tests.infra import Infra
from tests.integration.campaign.conftest import (
    all_handed_over,
    launched,
    new_list,
    number,
    progress,
    provision,
    value,
)


async def test_a_campaign_waits_while_phonelist_is_away_and_goes_on_when_it_is_back(
    infra: Infra, auth: Client, gateway: Client, windows: list[RecipientsHandedOver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "PAGE_LIMIT_S", 0.2)
    monkeypatch.setattr(store, "FREEZE_LEASE_S", 0.3)
    lists = infra.create_database("phonelist")
    try:
        await migrator.migrate(lists, "phonelist")
        async with running(infra, SERVICE) as process:
            company_id = await provision(process, auth)
            async with running(infra, PHONELIST, dsn=lists):
                list_id = await new_list(gateway, company_id, [number(1)])
                id_ = await launched(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
            await value(process, "UPDATE campaigns SET starts_at = now() WHERE id = $1 RETURNING id", id_)
            await eventually(
                lambda: value(process, "SELECT freeze_again_at > launched_at FROM campaigns WHERE id = $1", id_)
            )
            assert (await progress(gateway, company_id, id_)).state is CampaignState.FREEZING

            async with running(infra, PHONELIST, dsn=lists):
                await all_handed_over(windows, id_, 1)
    finally:
        infra.drop_database(lists)
