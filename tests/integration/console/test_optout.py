"""heliograph optout, on running services: opting out by hand, everywhere, and settling what only looks like a STOP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from libs.common.clock import now
from libs.common.contracts.messaging import ArrivedText, TextsArrived
from libs.common.ids import uuid7
from libs.common.service import Process
from services.inbound.__main__ import SERVICE as INBOUND
from tests.harness import client, eventually, running
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph


@pytest.fixture(scope="module")
async def inbound(infra: Infra) -> AsyncIterator[Process]:
    async with running(infra, INBOUND) as process:
        yield process


async def test_a_number_is_opted_out_listed_and_opted_in_again(
    auth: Process, inbound: Process, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Florists")
    of, why = ("--company", "Florists"), ("--reason", "asked on the phone")
    await heliograph.done("optout", "add", "07700 900123", *of, *why)
    listed = await heliograph.done("optout", "list", *of)
    assert listed.strip().endswith("+447700900123  stop  all  user 0: asked on the phone")

    await heliograph.done("optout", "add", "07700 900124", "--everywhere", "--reason", "complaint to 7726")
    assert "+447700900124" in await heliograph.done("optout", "list", "--everywhere")
    assert "+447700900124" not in await heliograph.done("optout", "list", *of)

    await heliograph.done("optout", "remove", "07700 900123", *of, "--reason", "asked us back")
    await heliograph.done("optout", "remove", "07700 900124", "--everywhere", "--reason", "settled")
    assert await heliograph.done("optout", "list", *of) == await heliograph.done("optout", "list", "--everywhere") == ""


async def test_a_text_is_reviewed_and_settled(
    auth: Process, inbound: Process, infra: Infra, heliograph: Heliograph
) -> None:
    await heliograph.done("company", "create", "Bakers")
    await heliograph.done("header", "add", "Bakers", "60123")
    text = ArrivedText(
        id=uuid7(), carrier="c", carrier_id="", number="+447700900125", to="60123", body="remove me", at=now()
    )
    async with client(infra, "messaging") as messaging:
        await messaging.publish(TextsArrived(company_id=0, items=[text]))

    async def on_the_list() -> str:
        return await heliograph.done("optout", "review", "Bakers")

    listed = await eventually(on_the_list)
    assert listed.startswith(str(text.id))
    assert "'remove me'" in listed
    await heliograph.done("optout", "settle", "Bakers", str(text.id), "--opt-out", "--reason", "clear")
    assert await on_the_list() == ""
    assert (await heliograph.done("optout", "list", "--company", "Bakers")).strip().endswith("stop  all  user 0: clear")
