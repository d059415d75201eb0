"""The demo company: whole, again and again the same, and never in production."""

from __future__ import annotations

import asyncio

from libs.common.service import Process
from tests.infra import Infra
from tests.integration.console.conftest import Heliograph
from tests.integration.console.test_provisioning import session


async def test_the_demo_company_is_refused_outside_development_mode(auth: Process, heliograph: Heliograph) -> None:
    said = await heliograph("seed-demo", MODE="production")

    assert said.code == 1
    assert "development mode only" in said.err
    assert "Demo" not in await heliograph.done("company", "list")


async def test_the_demo_company_is_made_once_whole(auth: Process, infra: Infra, heliograph: Heliograph) -> None:
    first = await heliograph.done("seed-demo")
    again = await heliograph.done("seed-demo")

    assert first == (
        "Demo: company Demo, user demo, user operator, header 82830, header Heliograph, brand Demo, folder Demo\n"
    )
    assert again == "Demo: all there\n"
    demo, headers = await session(infra, "demo", "demo-password")
    operator, _ = await session(infra, "operator", "operator-password")
    assert (demo.permissions, operator.permissions) == (["send"], ["administer"])
    assert headers == ["82830", "Heliograph"]


async def test_what_is_missing_of_the_demo_company_is_made_again(auth: Process, heliograph: Heliograph) -> None:
    await heliograph.done("seed-demo")
    async with auth.kernel.db.transaction() as tx:
        await tx.execute("DELETE FROM headers WHERE key = 'heliograph'")

    seeded = await asyncio.gather(*(heliograph("seed-demo") for _ in range(1)))

    assert [said.out for said in seeded] == ["Demo: header Heliograph\n"]
