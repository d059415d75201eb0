"""The whole platform in the test's own loop: six services and the real simulator, with the demo company, as clients see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from libs.common.contracts.auth import ADMINISTER, SEND, CreateUser
from libs.common.contracts.companies import CreateCompany
from libs.common.contracts.senders import AddBrand, AddHeader
from libs.common.service import Process
from services.auth.__main__ import SERVICE as AUTH
from services.campaign.__main__ import SERVICE as CAMPAIGN
from services.gateway.__main__ import SERVICE as GATEWAY
from services.inbound.__main__ import SERVICE as INBOUND
from services.messaging.__main__ import SERVICE as MESSAGING
from services.phonelist.__main__ import SERVICE as PHONELIST
from tests.harness import Client, client, eventually, running
from tests.infra import Infra
from tests.integration.simulator.process import SimulatorProcess, simulator_process

PASSWORD = "demo-password"


@dataclass
class Platform:
    """`http`: to the gateway. Users `demo` (may send), `operator` (administers) and `other`, of another company."""

    infra: Infra
    http: httpx.AsyncClient
    simulator: SimulatorProcess
    processes: dict[str, Process]
    console: Client
    company_id: int

    async def token(self, username: str = "demo") -> str:
        answer = await self.http.post("/api/Security/Login", json={"Username": username, "Password": PASSWORD})
        token = answer.json()["Token"]
        assert token, answer.text
        return str(token)

    async def headers_known(self, company_id: int, count: int) -> None:
        """Until every service that looks at headers knows the company's: their projections follow by event."""
        for name in ("messaging", "inbound", "campaign"):
            db = self.processes[name].db
            assert db is not None

            async def known(db=db) -> bool:  # type: ignore[no-untyped-def]  # bound per service
                async with db.reading() as tx:
                    return bool(
                        await tx.fetchval("SELECT count(*) = $2 FROM headers WHERE company_id = $1", company_id, count)
                    )

            await eventually(known)


@asynccontextmanager
async def platform(infra: Infra, folder: Path) -> AsyncIterator[Platform]:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(simulator_process(folder))
        url = f"tcp://127.0.0.1:{simulator.carrier_port}"
        processes = {
            service.name: await stack.enter_async_context(running(infra, service, simulator_url=url, http_port=0))
            for service in (AUTH, MESSAGING, INBOUND, PHONELIST, CAMPAIGN, GATEWAY)
        }
        base_url = f"http://127.0.0.1:{processes['gateway'].kernel.bound['http']}"
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=base_url, timeout=30))
        console = await stack.enter_async_context(client(infra, "console"))
        company_id = await _seed(console)
        started = Platform(infra, http, simulator, processes, console, company_id)
        await started.headers_known(company_id, 2)
        yield started


async def _seed(console: Client) -> int:
    company_id = (await console.ask(CreateCompany(name="Demo"))).id
    other_id = (await console.ask(CreateCompany(name="Other"))).id
    for header in ("82830", "Heliograph"):
        await console.ask(AddHeader(company_id=company_id, header=header))
    await console.ask(AddHeader(company_id=other_id, header="Other"))
    await console.ask(AddBrand(company_id=company_id, name="Demo"))
    for username, company, permissions in (
        ("demo", company_id, [SEND]),
        ("operator", company_id, [ADMINISTER]),
        ("other", other_id, [SEND]),
        ("reader", company_id, []),
    ):
        await console.ask(
            CreateUser(
                company_id=company,
                username=username,
                password=PASSWORD,
                firstname=username.title(),
                surname="User",
                phone_number="+447700900000",
                permissions=permissions,
            )
        )
    return company_id
