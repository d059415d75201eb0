"""Dry runs on the real messaging, phonelist and simulator: what they say is what the launch then does."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from libs.common import clock, gsm
from libs.common.contracts.base import Code
from libs.common.contracts.campaign import (
    BeginDryRun,
    CampaignState,
    LaunchCampaign,
    LinkList,
    ListCampaigns,
    PauseCampaign,
    PreviewCampaign,
    ReadCampaignBooks,
    ReadDryRun,
    ShowCampaign,
    StopCampaign,
)
from libs.common.contracts.inbound import ContactsStopped, ContactState
from libs.common.contracts.phonelist import Entry
from libs.common.contracts.senders import Header, HeadersChanged
from libs.common.service import Process
from services.campaign.dryruns import loop, store
from tests.harness import Client, client, eventually, grant
from tests.infra import Infra
from tests.integration.campaign.conftest import HEADER, by_test_key, new_campaign, progress, sender, value
from tests.integration.campaign.real_messaging import ended, known_to_messaging, real_messaging
from tests.integration.campaign.test_freezing import list_of, personal, rows
from tests.integration.simulator.process import SimulatorProcess, simulator_process


@pytest.fixture(scope="module")
async def far_side(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SimulatorProcess]:
    async with simulator_process(tmp_path_factory.mktemp("far_side")) as simulator:
        yield simulator


@pytest.fixture(scope="module")
async def steering(infra: Infra, far_side: SimulatorProcess) -> AsyncIterator[Process]:
    """The real messaging, in place of the one that only steers."""
    async with real_messaging(infra, far_side) as process:
        yield process


def handset(n: int) -> str:
    return f"+447700900{n:03d}"


SURNAMES = {1: "Sample", 2: "Brown \U0001f600", 3: "x" * 140}


async def test_a_dry_run_says_what_the_launch_then_does(
    campaign: Process, steering: Process, gateway: Client, infra: Infra, company_id: int, far_side: SimulatorProcess
) -> None:
    await known_to_messaging(steering, company_id)
    numbers = [handset(n) for n in range(1, 31)] + ["+33612345678", "+449098790000"]
    entries = [Entry(phone_number=n, surname=SURNAMES.get(i, "Sample")) for i, n in enumerate(numbers, 1)]
    entries[9] = Entry(phone_number=handset(10))
    first = await list_of(gateway, company_id, entries)
    second = await list_of(gateway, company_id, [Entry(phone_number=handset(n), surname="X") for n in range(21, 41)])
    excluded = await list_of(gateway, company_id, [Entry(phone_number=handset(n)) for n in range(39, 51)])
    stopped = [ContactState(number=handset(n), header=HEADER, sequence=n, at=clock.now()) for n in (5, 25)]
    async with client(infra, "inbound") as inbound:
        await inbound.publish(ContactsStopped(company_id=company_id, items=stopped))
    await eventually(lambda: value(steering, "SELECT count(*) = 2 FROM suppressions WHERE company_id = $1", company_id))
    id_ = await personal(gateway, company_id, "Dear {{surname}}, tea is served.", first, second, excluding=[excluded])

    await gateway.ask(BeginDryRun(campaign_id=id_), sender(company_id))
    run = await ended(gateway, company_id, id_)

    assert (run.state, run.trouble) == ("done", "")
    assert (run.numbers, run.recipients, run.forecast) == (52, 39, 39)
    assert sum(run.left_out.values()) + run.would_get == run.numbers
    frozen_out = {"duplicate": 10, "excluded": 2, "incomplete": 1}
    assert {reason: run.left_out[reason] for reason in frozen_out} == frozen_out
    assert [(row.list_id, row.row, row.number, row.missing) for row in run.incomplete] == [
        (first, 10, handset(10), ["surname"])
    ]
    assert far_side_is_quiet(await far_side.stats())

    await gateway.ask(LaunchCampaign(campaign_id=id_, leave_out_incomplete=True), sender(company_id))

    async def finished() -> bool:
        return (await progress(gateway, company_id, id_)).state is CampaignState.FINISHED

    await eventually(finished, within_s=30)
    seen = await progress(gateway, company_id, id_)
    assert (seen.targeted, seen.left_out) == (run.recipients, frozen_out)
    reasons = await rows(
        campaign,
        "SELECT reason, count(*) FROM recipients WHERE campaign_id = $1 AND state IN ('suppressed', 'rejected') GROUP BY 1",
        id_,
    )
    assert dict(reasons) == {reason: count for reason, count in run.left_out.items() if reason not in frozen_out}
    assert len(reasons) == 3, "opted out, no route, premium rate"
    parts = "SELECT parts, count(*) FROM recipients WHERE campaign_id = $1 AND state = 'delivered' GROUP BY 1"
    assert dict(await rows(campaign, parts, id_)) == run.by_parts
    assert run.parts == sum(each * texts for each, texts in run.by_parts.items())
    texts = [m["text"] for n in range(1, 51) for m in await far_side.messages_of(handset(n))]
    assert Counter(gsm.alphabet(text).value for text in texts) == run.texts
    assert run.texts["ucs2"] == 1
    assert (run.micros, run.currency) == (30_000 * (run.parts - 2) + 50_000 * 2, "GBP")


def far_side_is_quiet(stats: dict[str, int]) -> bool:
    return stats["submits"] == 0


async def test_a_dry_runs_campaign_is_nobodys(
    campaign: Process, steering: Process, gateway: Client, console: Client, company_id: int
) -> None:
    await known_to_messaging(steering, company_id)
    id_ = await new_campaign(gateway, company_id, await list_of(gateway, company_id, [Entry(phone_number=handset(1))]))
    may = sender(company_id)

    twin = (await gateway.ask(BeginDryRun(campaign_id=id_), may)).id
    run = await ended(gateway, company_id, id_)

    assert (run.id, run.campaign_id, run.would_get) == (twin, id_, 1)
    assert [c.id for c in (await gateway.ask(ListCampaigns(), may)).items] == [id_]
    for ask in (ShowCampaign, ReadDryRun, PreviewCampaign, StopCampaign, PauseCampaign, BeginDryRun, LaunchCampaign):
        assert await gateway.refused(ask(campaign_id=twin), may) is Code.NOT_FOUND, ask
    books = await console.ask(ReadCampaignBooks())
    assert twin not in {of.id for of in books.campaigns}
    assert not books.faults
    assert (await gateway.ask(ShowCampaign(campaign_id=id_), may)).state is CampaignState.DRAFT


async def test_a_dry_run_is_refused_as_a_launch_would_be(
    campaign: Process, steering: Process, gateway: Client, auth: Client, company_id: int
) -> None:
    may = sender(company_id)
    id_ = await new_campaign(gateway, company_id)
    begin, list_id = BeginDryRun(campaign_id=id_), await list_of(gateway, company_id, [])
    assert await gateway.refused(begin, may) is Code.NO_RECIPIENTS
    await gateway.ask(LinkList(campaign_id=id_, list_id=list_id, exclude=True), may)
    assert await gateway.refused(begin, may) is Code.NO_RECIPIENTS
    await gateway.ask(LinkList(campaign_id=id_, list_id=await list_of(gateway, company_id, [])), may)
    assert await gateway.refused(begin, by_test_key(company_id)) is Code.PERMISSION_DENIED
    assert await gateway.refused(begin, sender(company_id + 1)) is Code.NOT_FOUND
    assert await gateway.refused(begin, grant(company_id)) is Code.PERMISSION_DENIED
    assert await gateway.refused(ReadDryRun(campaign_id=id_), may) is Code.NOT_FOUND

    gone = Header(header=HEADER, active=False, version=2)
    await auth.publish(HeadersChanged(company_id=company_id, items=[gone]))
    await eventually(lambda: value(campaign, "SELECT NOT active FROM headers WHERE company_id = $1", company_id))
    assert await gateway.refused(begin, may) is Code.INVALID_SENDER


@pytest.mark.parametrize("state", ["launched", "freezing", "paused", "stopped"])
async def test_only_a_draft_has_dry_runs(
    campaign: Process, steering: Process, gateway: Client, company_id: int, state: str
) -> None:
    list_id = await list_of(gateway, company_id, [])
    id_ = await new_campaign(gateway, company_id, list_id, launch_at=clock.now() + timedelta(hours=1))
    await gateway.ask(LaunchCampaign(campaign_id=id_), sender(company_id))
    moved = "UPDATE campaigns SET state = $2, freeze_again_at = 'infinity' WHERE id = $1 RETURNING 1"
    await value(campaign, moved, id_, state)

    assert await gateway.refused(BeginDryRun(campaign_id=id_), sender(company_id)) is Code.WRONG_STATE


async def test_a_second_run_replaces_the_first_and_both_leave_nothing_behind(
    campaign: Process, steering: Process, gateway: Client, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known_to_messaging(steering, company_id)
    entries = [Entry(phone_number=f"+44770{n:07d}") for n in range(700)]
    id_ = await new_campaign(gateway, company_id, await list_of(gateway, company_id, entries))
    may = sender(company_id)
    monkeypatch.setattr(
        store, "CLAIM_IF_FORECASTING", store.CLAIM_IF_FORECASTING.replace("WHERE d.state", "WHERE false AND d.state")
    )
    first = (await gateway.ask(BeginDryRun(campaign_id=id_), may)).id
    await eventually(
        lambda: value(campaign, "SELECT state = 'forecasting' FROM dry_runs WHERE campaign_id = $1", first)
    )

    second = (await gateway.ask(BeginDryRun(campaign_id=id_), may)).id
    monkeypatch.undo()
    run = await ended(gateway, company_id, id_)

    assert (run.id, run.state, run.would_get, run.texts, run.by_parts) == (second, "done", 700, {"gsm": 700}, {1: 700})
    assert await rows(campaign, "SELECT state, trouble FROM dry_runs WHERE campaign_id = $1", first) == [
        ("failed", "a newer dry run replaced it")
    ]
    while await loop.sweep(campaign.app):
        pass
    assert (
        await rows(
            campaign, "SELECT DISTINCT campaign_id FROM recipients WHERE campaign_id = ANY($1::int[])", [first, second]
        )
        == []
    )
    assert await value(campaign, "SELECT count(*) FROM campaigns WHERE id = $1", first) == 0
    assert (await gateway.ask(ReadDryRun(campaign_id=id_), grant(company_id))) == run

    await value(
        campaign, "UPDATE dry_runs SET ended_at = now() - interval '8 days' WHERE campaign_id = $1 RETURNING 1", second
    )
    assert await loop.sweep(campaign.app) == 1
    assert await gateway.refused(ReadDryRun(campaign_id=id_), grant(company_id)) is Code.NOT_FOUND
    assert await value(campaign, "SELECT count(*) FROM links WHERE campaign_id = $1", second) == 0


async def test_a_run_whose_sender_is_gone_meanwhile_fails_and_says_so(
    campaign: Process, steering: Process, gateway: Client, company_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await known_to_messaging(steering, company_id)
    id_ = await new_campaign(gateway, company_id, await list_of(gateway, company_id, [Entry(phone_number=handset(1))]))
    monkeypatch.setattr(
        store, "CLAIM_IF_FORECASTING", store.CLAIM_IF_FORECASTING.replace("WHERE d.state", "WHERE false AND d.state")
    )
    await gateway.ask(BeginDryRun(campaign_id=id_), sender(company_id))
    await eventually(lambda: value(campaign, "SELECT state = 'forecasting' FROM dry_runs WHERE of_campaign = $1", id_))

    await value(campaign, "UPDATE headers SET active = false WHERE company_id = $1 RETURNING 1", company_id)
    monkeypatch.undo()
    run = await ended(gateway, company_id, id_)

    assert (run.state, run.trouble) == ("failed", "its sender is no longer an active header of the company")


async def test_a_run_whose_list_is_gone_meanwhile_fails_and_is_read_no_further(
    campaign: Process, phonelist: Process, steering: Process, gateway: Client, company_id: int
) -> None:
    list_id = await list_of(gateway, company_id, [Entry(phone_number=handset(1))])
    id_ = await new_campaign(gateway, company_id, list_id)
    await value(phonelist, "DELETE FROM lists WHERE id = $1 RETURNING 1", list_id)
    assert campaign.db is not None
    async with campaign.db.transaction() as tx:
        twin = await store.begin(tx, id_, {list_id: 10})
        tx.wake("freeze")

    run = await ended(gateway, company_id, id_)

    assert (run.id, run.state, run.trouble) == (twin, "failed", f"list {list_id} is not there any more")
