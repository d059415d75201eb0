"""The real messaging beside campaign and phonelist, for what only it can say: dry runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from libs.common.contracts.campaign import DryRun, ReadDryRun
from libs.common.contracts.routing import AddRoute, ListRoutes, NewRoute, RemoveRoute
from libs.common.contracts.usage import Price, SetPrices
from libs.common.ids import uuid7
from libs.common.service import Process
from services.messaging.__main__ import SERVICE
from services.messaging.routing.rules import Routable
from services.messaging.sending.rules import Lane
from tests.harness import Client, client, eventually, grant, running
from tests.infra import Infra
from tests.integration.campaign.conftest import value
from tests.integration.simulator.process import SimulatorProcess


@asynccontextmanager
async def real_messaging(infra: Infra, far_side: SimulatorProcess) -> AsyncIterator[Process]:
    """Its routes lead to British numbers alone; a part costs 0.03, to one number 0.05."""
    async with (
        running(infra, SERVICE, simulator_url=f"tcp://127.0.0.1:{far_side.carrier_port}") as process,
        client(infra, "console") as console,
    ):
        for route in (await console.ask(ListRoutes())).items:
            await console.ask(RemoveRoute(id=route.id))
        await console.ask(AddRoute(route=NewRoute(carrier="embedded", country="GB")))
        prices = [Price(prefix="+44", micros=30_000), Price(prefix="+447700900003", micros=50_000)]
        await console.ask(SetPrices(currency="GBP", prices=prices))

        async def in_force() -> bool:
            french = Routable(uuid7(), 1, Lane.BULK, "+33612345678", "Heliograph")
            return process.app.routing.decide(french) is None and process.app.prices.currency == "GBP"

        await eventually(in_force)
        yield process


async def known_to_messaging(messaging: Process, company_id: int) -> None:
    sql = "SELECT count(*) = 1 FROM headers WHERE company_id = $1"
    await eventually(lambda: value(messaging, sql, company_id))


async def ended(gateway: Client, company_id: int, campaign_id: int) -> DryRun:
    async def over() -> DryRun | None:
        run = await gateway.ask(ReadDryRun(campaign_id=campaign_id), grant(company_id))
        return run if run.state in ("done", "failed") else None

    run: DryRun = await eventually(over, within_s=20)
    return run
